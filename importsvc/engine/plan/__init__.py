"""Clean values to what becomes of each row, or everything that is wrong with any of them."""
