"""What does a YAML file say, and where?

A file becomes plain mappings, lists and texts, and a map from every place in them back to its
line and column. Every scalar stays a text (only an unquoted nothing is None): what it means is for
the models to say, so that ``title: 2024`` and ``language: no`` are what they look like.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from ruamel.yaml.nodes import SequenceNode

from aggregator.settings.nodes import Fault, Trail, Value, Walk, compose, position

MAX_BYTES = 25_000_000  # measured: 100,000 feeds (6 MB) take half a minute to read

_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class Document(Struct, frozen=True, kw_only=True):
    """What one file says.

    ``places`` gives line and column (from 1) of the key, or of the item of a list, at a trail.
    ``templates`` holds the text as written wherever the environment filled something in: it is
    what messages show, for what came from the environment may be a secret. ``origins`` names the
    variable that overrides a trail. ``broken`` are trails already complained of. A file that does
    not exist is ``missing`` and says nothing.
    """

    file: str
    data: Value = None
    places: Mapping[Trail, tuple[int, int]] = field(default_factory=dict)
    templates: Mapping[Trail, str] = field(default_factory=dict)
    origins: Mapping[Trail, str] = field(default_factory=dict)
    broken: frozenset[Trail] = frozenset()
    faults: tuple[Fault, ...] = ()
    missing: bool = False

    def fault(self, trail: Trail, text: str) -> Fault:
        """Say ``text`` of what stands at ``trail``, or of the nearest thing around it."""
        for length in range(len(trail), -1, -1):
            if origin := self.origins.get(trail[:length]):
                return Fault("environment", 0, 0, f"{origin}: {text}")
            if place := self.places.get(trail[:length]):
                return Fault(self.file, *place, text)
        return Fault(self.file, 1, 1, text)

    def at(self, trail: Trail) -> Value:
        """Return the value at ``trail``, or the nearest one around it."""
        here = self.data
        for step in trail:
            if isinstance(here, dict) and step in here:
                here = here[str(step)]
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return here
        return here

    def says(self, key: str) -> bool:
        """Tell whether the file has anything under the top-level ``key``, be it an empty list."""
        return isinstance(self.data, dict) and self.data.get(key) is not None

    def entries(self, key: str) -> list[Value]:
        """Return the list under the top-level ``key``; empty when there is none."""
        found = self.data.get(key) if isinstance(self.data, dict) else None
        return found if isinstance(found, list) else []


def read_document(path: Path, environ: Mapping[str, str], *, listing: str = "") -> Document:
    """Read ``path``; mistakes of form and variables not set are in ``faults``, nothing is raised.

    ``listing`` is the top-level key that a file which is one bare list is read under.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Document(file=file, missing=True)
    except OSError as error:
        text = f"cannot be read ({error.strerror}); mend its permissions or name another file"
        return Document(file=file, faults=(Fault(file, 0, 0, text),))
    return parse_document(file, body, environ, listing=listing)


def parse_document(
    file: str, body: bytes, environ: Mapping[str, str], *, listing: str = ""
) -> Document:
    """Do for ``body`` what `read_document` does for a file called ``file``."""
    text = _decode(file, body)
    if isinstance(text, Fault):
        return Document(file=file, faults=(text,))
    node = compose(file, text)
    if isinstance(node, Fault):
        return Document(file=file, faults=(node,))
    if node is None:
        return Document(file=file)
    walk = Walk(file, text, environ)
    if listing and isinstance(node, SequenceNode):
        data: Value = {listing: walk.value(node, (listing,))}
    else:
        data = walk.value(node, ())
    return Document(
        file=file,
        data=data,
        places=walk.places,
        templates=walk.templates,
        broken=frozenset(walk.broken),
        faults=tuple(walk.faults),
    )


def _decode(file: str, body: bytes) -> str | Fault:
    if len(body) > MAX_BYTES:
        return Fault(file, 0, 0, f"is larger than {MAX_BYTES // 1_000_000} MB; shorten it")
    if body.startswith(_OTHER_BOMS):
        return Fault(file, 1, 1, "is not UTF-8 but UTF-16 or UTF-32; save it as UTF-8")
    body = body.removeprefix(_UTF8_BOM)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = position(body[: error.start].decode("utf-8"))
        byte = body[error.start]
        return Fault(file, line, column, f"byte 0x{byte:02X} is not UTF-8; save the file as UTF-8")
