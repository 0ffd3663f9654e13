"""What is wrong with a value, and what should be written instead?

Turns pydantic's errors into faults with a place. A message shows the text as it stands in the
file, never the value that the environment put there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from aggregator.settings.documents import Document
from aggregator.settings.kinds import suggest
from aggregator.settings.nodes import Fault, Trail, Value
from aggregator.text.urls import redacted

T = TypeVar("T")

MAX_SHOWN = 60  # characters of a wrong value in a message

_BOUNDS = (
    ("ge", "small", "or more"),
    ("le", "large", "or less"),
)
_PREDICATES = {
    "int": "is not a whole number",
    "float": "is not a number",
    "finite": "is not a number",
    "bool": "is neither true nor false",
    "string": "is not a text",
    "tuple": "is not a list",
    "dict": "is not a mapping of keys to values",
    "model": "is not a mapping of keys to values",
}


def validated(
    model: type[T], document: Document, at: Trail, context: Mapping[str, Any] | None = None
) -> tuple[T | None, list[Fault]]:
    """Return what stands at ``at`` as a ``model``, or None and every mistake in it."""
    value = document.at(at)
    try:
        reader = _reader(model)  # type: ignore[arg-type]  # a class can be hashed
        found: T = reader.validate_python(value, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, list(_faults(model, document, at, details))
    return found, []


@cache
def _reader(model: Any) -> TypeAdapter[Any]:
    # Made once, not for each of a thousand feeds: a tenth of the time that they take to read.
    return TypeAdapter(model)


def misshapen(document: Document, key: str, example: str, *, needed: bool = False) -> list[Fault]:
    """Return what is wrong with a file that should hold nothing but a list under ``key``.

    ``example`` is an item of the list; ``needed`` when the list must be there and hold something.
    """
    faults = list(document.faults)
    data, write = document.data, f'write "{key}:" and below it "- {example}"'
    if data is None and not faults and needed:
        return [Fault(document.file, 1, 1, f"is empty; {write}")]
    if data is None or () in document.broken:
        return faults
    if not isinstance(data, dict):
        return [*faults, Fault(document.file, 1, 1, f"holds a single text; {write}")]
    strange = [trail for trail in document.places if len(trail) == 1 and trail[0] != key]
    faults += [document.fault(trail, f'unknown key "{trail[0]}"; {write}') for trail in strange]
    if (key,) in document.broken:
        return faults
    if not isinstance(data.get(key, []), list):
        faults.append(document.fault((key,), f"{key}: is not a list; {write}"))
    elif needed and not data.get(key):
        faults.append(document.fault((key,), f"{key}: lists nothing; {write}"))
    return faults


def repeated(document: Document, names: Iterable[tuple[Trail, str]], text: str) -> Iterator[Fault]:
    """Complain of each trail in ``names`` whose name an earlier one has.

    ``text`` is the complaint; LINE in it becomes the line of the earlier one. It does not show
    the name, which may be the environment's.
    """
    first: dict[str, Trail] = {}
    for trail, name in names:
        before = first.setdefault(name, trail)
        if before != trail:
            line = str(document.fault(before, "").line)
            yield document.fault(trail, text.replace("LINE", line))


def _faults(
    model: type, document: Document, at: Trail, details: list[ErrorDetails]
) -> Iterator[Fault]:
    for detail in details:
        inner = tuple(step for step in detail["loc"] if step != "[key]")
        trail, key = (*at, *inner), str(inner[-1]) if inner else ""
        if any(trail[:length] in document.broken for length in range(len(trail) + 1)):
            continue  # already complained of, by its form
        kind = detail["type"]
        if kind == "extra_forbidden":
            known = tuple(_fields(_within(model, inner[:-1])))
            yield document.fault(trail, f'unknown key "{key}"; {suggest(key, known)}')
        elif kind == "missing":
            yield document.fault(trail[:-1], _missing(model, inner))
        else:
            text = _predicate(detail) + _instead(detail, model, inner)
            yield document.fault(trail, f"{_name(trail)}: {_shown(document, trail)}{text}")


def _missing(model: type, inner: Trail) -> str:
    field = _fields(_within(model, inner[:-1])).get(str(inner[-1]))
    example = _example(field)
    return f'"{inner[-1]}" is missing; write {inner[-1]}: {example or "…"}'


def _predicate(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "value_error":
        return str(context["error"])
    if kind == "enum":
        return f"is not known here; write {str(context['expected']).replace(chr(39), '')}"
    for bound, side, words in _BOUNDS:
        if bound in context:
            return f"is too {side}; write {context[bound]:.12g} {words}"
    return _PREDICATES.get(kind.partition("_")[0], "cannot be used")


def _instead(detail: ErrorDetails, model: type, inner: Trail) -> str:
    kind = detail["type"].partition("_")[0]
    if kind == "bool":
        return "; write true or false"
    if kind in {"int", "float", "finite", "string"}:
        field = _fields(_within(model, inner[:-1])).get(str(inner[-1])) if inner else None
        example = _example(field)
        return f"; write one such as {example}" if example else "; write one"
    if kind in {"tuple", "dict", "model"}:
        return "; indent its parts below it" if kind != "tuple" else "; write [one, two]"
    return ""


def _example(field: Any) -> str:
    if field is None:
        return ""
    if field.examples:
        return str(field.examples[0])
    if isinstance(field.default, int | float | str) and str(field.default):
        return str(field.default)
    schemas = [meta.json_schema for meta in field.metadata if hasattr(meta, "json_schema")]
    return next((str(each["examples"][0]) for each in schemas if each and "examples" in each), "")


def _fields(model: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(model, "__pydantic_fields__", {})
    return found


def _within(model: Any, inner: Trail) -> Any:
    for step in inner:
        field = _fields(model).get(str(step))
        model = field.annotation if field else None
        choices = [each for each in get_args(model) if _fields(each)]
        model = choices[0] if choices else model
    return model


def _name(trail: Trail) -> str:
    steps = list(trail)
    while steps and isinstance(steps[-1], int):
        steps.pop()
    last = max((i for i, step in enumerate(steps) if isinstance(step, int)), default=-1)
    return ".".join(str(step) for step in steps[last + 1 :])


def _shown(document: Document, trail: Trail) -> str:
    value: Value = document.at(trail)
    if "headers" in trail:
        return "its value " if isinstance(value, str) else ""
    if isinstance(value, list | dict):
        return ""
    text = next((document.templates[t] for t in _prefixes(trail) if t in document.templates), value)
    if text is None:
        return "nothing "
    if "://" in text or "@" in text:
        text = re.sub(r"//[^/]*@", "//***@", redacted(text))
    return f'"{text[: MAX_SHOWN - 1] + "…" if len(text) > MAX_SHOWN else text}" '


def _prefixes(trail: Trail) -> Iterator[Trail]:
    return (trail[:length] for length in range(len(trail), -1, -1))
