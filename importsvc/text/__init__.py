"""Text formats: strict JSON, CSV cells, and client input that is made safe to display."""
