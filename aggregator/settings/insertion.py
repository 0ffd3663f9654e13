"""Where in a YAML text does a new item of a list go?

ruamel.yaml says where things stand and writes the item; it is put into the text, and every other
character is left alone. Writing the whole document anew (its round trip) would fold flow lists
that are set in columns, and re-indent those who do not indent alike throughout.
"""

from collections.abc import Mapping
from io import StringIO

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.events import DocumentEndEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from aggregator.settings.nodes import Fault, Value, compose

Item = Mapping[str, Value]

_DASH = 2  # columns before the dashes of a list that is only begun


class Inserted(Struct, frozen=True, kw_only=True):
    """A text with its new items: ``item`` as they stand there, from line ``line`` (from 1) on."""

    text: str
    line: int
    item: str

    @property
    def by_hand(self) -> str:
        """What to do where the text cannot be written."""
        return f"add this by hand:\n{self.item}"


class _Place(Struct, frozen=True, kw_only=True):
    """The list in a text. ``last`` is where its last item ends, counted in characters.

    ``nothing`` is the part of the text that says there are no items, ``[]`` or ``null``. ``dash``
    is the column of the dashes, ``inner`` that of the keys after them. ``spaced`` when an empty
    line stands between the last two items.
    """

    last: int
    flow: bool = False
    nothing: tuple[int, int] | None = None
    dash: int = _DASH
    inner: int = _DASH + 2
    spaced: bool = False


def block(item: Item, *, dash: int = _DASH, inner: int = _DASH + 2, end: str = "\n") -> str:
    """Return ``item`` as an item of a block list, with the indentation asked for."""
    lines = _dumped(item, flow=False).splitlines()
    first = " " * dash + "-" + " " * (inner - dash - 1)
    return "".join(
        f"{' ' * inner if number else first}{line}{end}" for number, line in enumerate(lines)
    )


def insert(text: str, key: str, *items: Item) -> Inserted:
    """Put ``items`` at the end of the list under the top-level ``key`` of ``text``.

    The document may also be one bare list, or say nothing yet. Line ends, indentation, and empty
    lines between items are those of the items before. Whoever calls compares what both texts say:
    there are forms in which the place cannot be seen, and then the result says something else.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    place = _place(text, key)
    if place is None:
        blocks = [block(item, end=end) for item in items]
        return _joined(f"{_whole_lines(text, end)}{key}:{end}", "".join(blocks), "")
    if place.flow:
        before, after = text[: place.last], text[place.last :]
        comma = "" if before.endswith("[") else ", "
        flows = [_dumped(item, flow=True).strip() for item in items]
        return _joined(before, comma + ", ".join(flows), after)
    if place.nothing is not None:  # "feeds: []" becomes a list with dashes
        start, stop = place.nothing
        text = text[:start].rstrip(" ") + text[stop:]
    cut = after_item(text, place.last, place.dash)
    gap = end if place.spaced else ""
    blocks = [block(item, dash=place.dash, inner=place.inner, end=end) for item in items]
    return _joined(_whole_lines(text[:cut], end) + gap, gap.join(blocks), text[cut:])


def _joined(before: str, item: str, after: str) -> Inserted:
    return Inserted(text=before + item + after, line=before.count("\n") + 1, item=item)


def _whole_lines(text: str, end: str) -> str:
    return text + end if text and not text.endswith("\n") else text


def after_item(text: str, last: int, dash: int) -> int:
    """Return where the lines of an item end, with the comments that are part of it.

    ``last`` is where the last thing in it ends, ``dash`` the column of its dash.
    """
    # A block scalar is said to end where something else begins: its own end is wanted.
    cut = line_end(text, len(text[:last].rstrip()))
    while cut < len(text):
        line = text[cut : line_end(text, cut)]
        bare = line.lstrip(" ")
        if not bare.startswith("#") or len(line) - len(bare) <= dash:
            break
        cut += len(line)
    return cut


def line_end(text: str, start: int) -> int:
    """Return where the line after the one that ``start`` is in begins."""
    found = text.find("\n", start)
    return len(text) if found < 0 else found + 1


def _place(text: str, key: str) -> _Place | None:
    """Return where the list is, None when the document does not say ``key`` at all."""
    name, value = listed(text, key)
    if isinstance(value, SequenceNode):
        return _list(text, value)
    if name is None or value is None:
        return None
    start, stop = span(value)
    return _Place(last=name.end_mark.index, nothing=(start, stop) if stop > start else None)


def listed(text: str, key: str) -> tuple[Node | None, Node | None]:
    """Return the nodes of the top-level ``key`` and of what stands under it, if it is there.

    Of a document that is one bare list, that list, which has no key.
    """
    root = compose("", text)
    if isinstance(root, SequenceNode):
        return None, root
    if isinstance(root, Fault) or not isinstance(root, MappingNode):
        return None, None
    for name, value in root.value:
        if isinstance(name, ScalarNode) and name.value == key:
            return name, value
    return None, None


def _list(text: str, found: SequenceNode) -> _Place:
    start, stop = span(found)
    if found.flow_style and not text[start + 1 : stop - 1].strip():
        return _Place(last=start, nothing=(start, stop))
    if found.flow_style:
        return _Place(last=last_end(text, start, stop) or start + 1, flow=True)
    dash = found.start_mark.column
    column = _column(found.value[-1])
    return _Place(
        last=last_end(text, start, len(text) + 1),
        dash=dash,
        inner=column if dash + 2 <= column <= dash + 8 else dash + 2,
        spaced=_spaced(text, found.value),
    )


def last_end(text: str, start: int, stop: int) -> int:
    """Return where the last thing between ``start`` and ``stop`` ends.

    Nodes do not say it of aliases and block maps.
    """
    ends = [0]
    for event in YAML(typ="safe", pure=True).parse(text):
        begins, ends_at = span(event)
        if start < begins < ends_at < stop and not isinstance(event, DocumentEndEvent):
            ends.append(ends_at)
    return max(ends)


def _column(item: Node) -> int:
    block_map = isinstance(item, MappingNode) and not item.flow_style
    return int(item.start_mark.column) if block_map else 0


def _spaced(text: str, items: list[Node]) -> bool:
    if len(items) < 2:
        return False
    first, last = (item.start_mark.line for item in items[-2:])
    return any(not line.strip() for line in text.splitlines()[first:last])


def span(marked: object) -> tuple[int, int]:
    """Return where a node or an event begins and ends in the text."""
    start, end = getattr(marked, "start_mark", None), getattr(marked, "end_mark", None)
    return (start.index, end.index) if start and end else (0, 0)


def _dumped(item: Item, *, flow: bool) -> str:
    yaml = YAML()
    yaml.width = 1_000_000  # a folded address is no address
    written = CommentedMap()
    for key, value in item.items():
        written[key] = _short(value) if isinstance(value, list) else value
    if flow:
        written.fa.set_flow_style()
    stream = StringIO()
    yaml.dump(written, stream)
    return stream.getvalue()


def _short(values: list[Value]) -> CommentedSeq:
    written = CommentedSeq(values)
    written.fa.set_flow_style()
    return written
