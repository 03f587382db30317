"""Additions to Django's PostgreSQL backend: COPY, catalog, keys, compiled queries, embedded server."""
