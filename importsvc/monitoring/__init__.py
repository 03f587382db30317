"""What operators watch: requests in the log, health, and metrics. Only settings and servers refer to it."""
