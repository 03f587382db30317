"""Limits of the number of requests in a period, counted once for all processes of the service."""
