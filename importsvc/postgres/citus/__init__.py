"""Citus, the extension that spreads tables over the nodes of a cluster: the backend of a ``DATABASE_URL``.

An ordinary database has no extension, and nothing here changes it. After ``manage.py distribute`` the rows of each
organization are on one node (docs/scaling.md).
"""
