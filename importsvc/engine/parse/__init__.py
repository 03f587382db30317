"""Rows as they came to columns of clean values. Pure: no Django, no database."""
