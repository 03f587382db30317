"""Failed attempts to authenticate: counted, and refused where they are too many. Knows no HTTP."""
