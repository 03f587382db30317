"""Servers and databases of a Citus cluster, and what happens to imports while its nodes come and go."""
