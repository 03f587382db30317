"""The environment variables that configure the service: their kinds, their declarations, and the check at start."""
