"""The parts of a request: its document, query parameters and headers, with their checks."""
