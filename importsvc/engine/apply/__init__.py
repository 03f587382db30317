"""A plan to records and changes in the change log."""
