"""Imports and their changes over HTTP."""
