"""Imports, their staged rows, and the rows of queued operations."""

from importsvc.imports.models.chunks import JsonTextField, QueuedChunk, StagedChunk, StagedRowError
from importsvc.imports.models.imports import Import, ImportState, OnRowError

__all__ = ["Import", "ImportState", "JsonTextField", "OnRowError", "QueuedChunk", "StagedChunk", "StagedRowError"]
