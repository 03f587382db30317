"""Text of clients, made fit to be shown to them again."""


def printable(text: str) -> str:
    """The text, safe to send back in a JSON document: what cannot be encoded is replaced, and the end is cut."""
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    return shown.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
