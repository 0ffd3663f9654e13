"""What do the nodes of a YAML text say, and where do they stand?

The text is composed but nothing is constructed from it, so that a tag can call nothing; aliases
are followed up to a limit. ``${NAME}`` is filled in from the environment, ``$$`` is a dollar sign.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

MAX_DEPTH = 20  # our own files need 4
MAX_REPEATS = 10_000  # nodes reached again through an alias; ten lines can ask for a billion

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
Trail: TypeAlias = tuple[str | int, ...]

_CORE = "tag:yaml.org,2002:"
_CORE_TAGS = {"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value"}
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


class Fault(Struct, frozen=True, order=True):
    """One mistake. ``line`` and ``column`` count from 1; line 0 when it has no place in a file."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.text}"
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


def compose(file: str, text: str) -> Node | Fault | None:
    """Return the root node of ``text``, None when it says nothing, or why it is no YAML."""
    return _quickly(text) or _carefully(file, text)


def _quickly(text: str) -> Node | None:
    """Compose with libyaml: a seventh of the time (40 ms for 1,000 feeds), but in other words.

    None when it finds anything amiss; then the other way tells what.
    """
    try:
        node: Node | None = YAML(typ="safe", pure=False).compose(text)
    except (YAMLError, AssertionError, ValueError, IndexError, AttributeError, RecursionError):
        return None
    return node if node is not None and _is_shallow(node) else None


def _is_shallow(root: Node) -> bool:
    """Whether ``root`` is nested no deeper than we read; aliases are followed once."""
    level, seen = [root], {id(root)}
    for _ in range(MAX_DEPTH):
        level = [n for node in level for n in _inside(node) if id(n) not in seen]
        seen.update(map(id, level))
        if not level:
            return True
    return False


def _inside(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def _carefully(file: str, text: str) -> Node | Fault | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    yaml.composer.warn_double_anchors = False
    try:
        node: Node | None = yaml.compose(text)
    except MaxDepthExceededError as error:
        return _marked(file, error, f"is nested deeper than {MAX_DEPTH} levels; flatten it")
    except ReaderError as error:
        line, column = position(text[: error.position])
        return Fault(file, line, column, "holds a control character; remove it")
    except MarkedYAMLError as error:
        return _marked(file, error, _explain(error))
    except (YAMLError, AssertionError, ValueError, IndexError, AttributeError):
        return Fault(file, 1, 1, "is not YAML; see https://yaml.org for how it is written")
    return node


def position(before: str) -> tuple[int, int]:
    """Return line and column (from 1) of what comes after the text ``before``."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _marked(file: str, error: MarkedYAMLError, text: str) -> Fault:
    opened = "unexpected end of stream" in (error.problem or "")
    mark = error.context_mark if opened and error.context_mark else error.problem_mark
    mark = mark or error.context_mark
    return Fault(file, mark.line + 1, mark.column + 1, text) if mark else Fault(file, 1, 1, text)


# What the parser says, and what that means to somebody who writes a list of feeds.
_EXPLANATIONS = {
    r"character '\\t'": "a tab stands where only spaces may; indent with spaces",
    r"character '[@`%]'": "a text that begins with this character needs quotes around it",
    r"mapping values are not": 'a ":" is out of place; quote texts that hold ": ", or indent less',
    r"unexpected end of stream": "a quote is opened here and never closed; close it",
    r"expected '?,'? or": "a [ or { is not closed, or a comma is missing; mend it",
    r"expected <block end>": "the indentation does not fit the lines above; align keys and dashes",
    r"could not find expected ':'": 'a key has no ":" after it; write key: value',
    r"found another document": "a second document begins here; remove the line of ---",
    r"undefined alias": "an alias (*name) stands for nothing; write the value out",
}


def _explain(error: MarkedYAMLError) -> str:
    problem = error.problem or ""
    for pattern, text in _EXPLANATIONS.items():
        if re.search(pattern, problem):
            return text
    return f"is not YAML: {problem or 'cannot be read'}; mend the line"


class Walk:
    """One pass over the nodes of a file that gathers places and faults as it goes."""

    def __init__(self, file: str, text: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self.lines = text.split("\n")
        self.environ = environ
        self.places: dict[Trail, tuple[int, int]] = {}
        self.templates: dict[Trail, str] = {}
        self.broken: set[Trail] = set()
        self.faults: list[Fault] = []
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._repeats = 0

    def value(self, node: Node, trail: Trail) -> Value:
        """Return what ``node`` says; None for nothing, and for what had to be refused."""
        if refusal := self._refusal(node):
            self.broken.add(trail)
            self._fault(node, refusal)
            return None
        if self._repeats > MAX_REPEATS:
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, trail)
        self._open.add(id(node))
        inner = self._mapping if isinstance(node, MappingNode) else self._sequence
        found = inner(node, trail)
        self._open.discard(id(node))
        return found

    def _refusal(self, node: Node) -> str:
        if strange := _strange_tag(node):
            return strange
        if id(node) in self._open:
            return "an alias stands inside what it names; write the value out"
        self._repeats += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeats == MAX_REPEATS:
            self._repeats += 1
            return f"aliases repeat more than {MAX_REPEATS} values; write the values out"
        return ""

    def _mapping(self, node: Node, trail: Trail) -> Value:
        found: dict[str, Value] = {}
        for key, value in node.value:
            if wrong := self._wrong_key(key, trail):
                self._fault(key, wrong)
                continue
            name = str(key.value)
            self.places[*trail, name] = _place(key)
            inner = self.value(value, (*trail, name))
            if inner is not None:
                found[name] = inner
        return found

    def _wrong_key(self, key: Node, trail: Trail) -> str:
        if not isinstance(key, ScalarNode):
            return "a key must be one word; write key: value"
        if str(key.tag) == f"{_CORE}merge":
            return '"<<" is not read; write the keys out'
        if before := self.places.get((*trail, str(key.value))):
            return f'duplicate key "{key.value}", first on line {before[0]}; remove one of them'
        return _strange_tag(key)

    def _sequence(self, node: Node, trail: Trail) -> Value:
        found: list[Value] = []
        for index, item in enumerate(node.value):
            self.places[*trail, index] = _place(item)
            found.append(self.value(item, (*trail, index)))
        return found

    def _scalar(self, node: ScalarNode, trail: Trail) -> str | None:
        if str(node.tag) == f"{_CORE}null" and node.style not in ("'", '"'):
            return None
        text = str(node.value)
        filled = _VARIABLE.sub(lambda found: self._variable(found, node, trail), text)
        if filled != text:
            self.templates[trail] = text
        return filled

    def _variable(self, found: re.Match[str], node: ScalarNode, trail: Trail) -> str:
        if found[0] == "$$":
            return "$"
        if found["name"] in self.environ:
            return self.environ[found["name"]]
        text = f"{found[0]} is not set in the environment; set it, or write $${found[0][1:]}"
        if not found["name"]:
            text = '"${" begins no variable; write ${NAME}, or $${ for the text itself'
        self.broken.add(trail)
        self.faults.append(Fault(self.file, *self._inside(node, found[0]), text))
        return found[0]

    def _inside(self, node: ScalarNode, wanted: str) -> tuple[int, int]:
        line, column = _place(node)
        within = self.lines[line - 1].find(wanted, column - 1) if line <= len(self.lines) else -1
        return (line, within + 1) if within >= 0 else (line, column)

    def _fault(self, node: Node, text: str) -> None:
        self.faults.append(Fault(self.file, *_place(node), text))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _strange_tag(node: Node) -> str:
    tag = str(node.tag)
    if tag.removeprefix(_CORE) in _CORE_TAGS:
        return ""
    return f'the tag "{tag.replace(_CORE, "!!")}" is not read; write a plain value'
