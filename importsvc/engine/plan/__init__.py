"""Decides for clean rows which records they create or update, or finds all row errors."""
