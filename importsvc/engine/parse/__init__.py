"""Turns submitted rows into columns of clean values. Pure: no Django, no database."""
