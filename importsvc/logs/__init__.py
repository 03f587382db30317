"""Log lines: what is known of the request that they belong to, and how they are written. Knows no other package."""
