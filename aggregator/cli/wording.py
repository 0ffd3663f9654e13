"""How is a number of things said?"""

TAKEN_OVER = "a running service takes it over"
"""When an edit of feeds.yaml takes effect."""


def counted(number: int, thing: str) -> str:
    """Return ``1 feed``, ``2 feeds``; for things that take an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
