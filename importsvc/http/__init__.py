"""WSGI and Django middleware that knows no JSON:API: bodies, content types, compression, conditional requests."""

API_PREFIX = "/api/"
