"""Imports, their staged rows, their last refusals, and the rows of queued operations."""

from importsvc.imports.models.chunks import JsonTextField, QueuedChunk, StagedChunk, StagedRowError
from importsvc.imports.models.imports import Import, ImportState, OnRowError
from importsvc.imports.models.refusals import Refusal

__all__ = [
    "Import",
    "ImportState",
    "JsonTextField",
    "OnRowError",
    "QueuedChunk",
    "Refusal",
    "StagedChunk",
    "StagedRowError",
]
