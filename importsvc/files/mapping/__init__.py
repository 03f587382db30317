"""Mappings: what the columns of a file mean, proposals for it, and the rows that a mapping makes of table rows."""
