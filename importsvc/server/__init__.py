"""The worker class of gunicorn: connections, and refusals of requests that no view sees."""
