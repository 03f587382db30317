"""Turns rows into records, and reverts that. Knows no HTTP, and no app but the change log."""
