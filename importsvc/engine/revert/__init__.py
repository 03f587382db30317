"""The change log back to what was before, or the conflicts because of which nothing is done."""
