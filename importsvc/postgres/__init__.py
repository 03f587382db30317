"""What is added to Django's PostgreSQL: COPY, the catalog, keys, compiled queries, and the embedded server."""
