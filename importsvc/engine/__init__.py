"""Rows to records and back. Knows no HTTP, and no app but the change log."""
