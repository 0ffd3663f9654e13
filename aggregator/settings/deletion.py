"""What is left of a YAML text without one item of a list?

Every other character stays; so do comments above the item, which may be a heading.
"""

from msgspec import Struct
from ruamel.yaml.nodes import Node, SequenceNode

from aggregator.settings.insertion import after_item, last_end, line_end, listed, span


class Removed(Struct, frozen=True, kw_only=True):
    """A text without an item, which stood on line ``line`` (from 1)."""

    text: str
    line: int

    @property
    def by_hand(self) -> str:
        """What to do where the text cannot be written."""
        return f"remove the entry on line {self.line} by hand"


def without(text: str, key: str, index: int) -> str:
    """Return ``text`` without an item of the list under the top-level ``key``.

    The document may also be one bare list. Whoever calls compares what both texts say: there are
    forms in which the item cannot be seen, and then the result says something else.
    """
    _, found = listed(text, key)
    if not isinstance(found, SequenceNode) or index >= len(found.value):
        return text
    start, stop = _in_flow(found, index) if found.flow_style else _in_block(text, found, index)
    before, after = text[:start], text[stop:]
    if _is_blank(before[before[:-1].rfind("\n") + 1 :]) and _is_blank(after[: line_end(after, 0)]):
        after = after[line_end(after, 0) :]  # one empty line between two items is enough
    return before + after


def _in_flow(found: SequenceNode, index: int) -> tuple[int, int]:
    items: list[Node] = found.value
    start, stop = span(items[index])
    if index + 1 < len(items):
        return start, span(items[index + 1])[0]
    return (span(items[index - 1])[1] if index else start), stop


def _in_block(text: str, found: SequenceNode, index: int) -> tuple[int, int]:
    column, items = found.start_mark.column, found.value
    start = _dash(text, items[index], column)
    limit = _dash(text, items[index + 1], column) if index + 1 < len(items) else len(text) + 1
    last = last_end(text, start + column, limit)
    return start, after_item(text, last, column)


def _dash(text: str, item: Node, column: int) -> int:
    """Return where the line begins that has the dash of ``item``."""
    start = line_start = text.rfind("\n", 0, span(item)[0]) + 1
    while line_start:
        if text[line_start:].startswith(" " * column + "-"):
            return line_start
        line_start = text.rfind("\n", 0, line_start - 1) + 1
    return line_start if text.startswith(" " * column + "-") else start


def _is_blank(line: str) -> bool:
    return bool(line) and not line.strip()
