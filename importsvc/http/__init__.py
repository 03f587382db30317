"""WSGI and Django middleware without knowledge of JSON:API: bodies, content types, compression, conditional GET."""

API_PREFIX = "/api/"
