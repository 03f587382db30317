"""Restores the state before an import from the change log, or reports the conflicts that prevent it."""
