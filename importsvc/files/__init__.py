"""Files: what a file holds, how its columns are mapped, and the rows that this makes."""
