"""The API of imports and their changes."""
