"""Formats of text: strict JSON, cells of CSV, and text of clients made fit to be shown again."""
