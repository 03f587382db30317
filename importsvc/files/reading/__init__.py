"""Reads files: bytes to what was detected, and to tables. Pure: no Django, no database."""
