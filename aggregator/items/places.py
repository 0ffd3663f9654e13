"""What does an address tell of the article behind it?"""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from aggregator.text.patterns import late
from aggregator.text.tokens import runs
from aggregator.text.urls import registrable_domain

_LEAST_WORDS = 3  # a slug says something; `article.cfm` and `/watch` do not
_LEAST_DIGITS = 5  # an article's number or its day
_LEAST_DRAWN = 8  # characters of an id such as `aqsH3ktIkNo`
_CAPITAL_WITHIN = late(r"[a-z][A-Z][a-z]*[A-Z0-9]|[0-9][A-Z]|[a-z][0-9][a-z]|[A-Z]{2}[a-z]")
# The number or code that stands for the article whatever its slug becomes: …-7380179, …/224r76c,
# article-11718057/…, 8654155,…. At least six digits, or seven characters drawn by lot; no date.
_NUMBER = late(
    r"(?<![0-9a-z])(?!(?:19|20)\d{4}(?:\d\d)?(?![0-9a-z]))"
    r"(?:\d{6,}|(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{7,12})(?![0-9a-z])"
)
_EXTENSION = late(r"\.[a-z]{3,5}$", re.IGNORECASE)


class Place(Struct, frozen=True, kw_only=True):
    """Where an article stands.

    ``site`` is the registrable domain, with the port if one is named, '' without an address.
    ``slug`` are the words of the last part of the address, empty when it has fewer than three.
    ``number`` is what stands for the article in the address, '' when nothing seems to.
    ``single`` tells whether the address is one article's; a front page or a section's is not.
    """

    site: str = ""
    slug: frozenset[str] = frozenset()
    number: str = ""
    single: bool = False


@lru_cache(maxsize=4096)
def place_of(canonical: str | None) -> Place:
    """Return what the address ``canonical`` tells; the empty place when it cannot be read."""
    if not canonical or (parts := _parts(canonical)) is None:
        return Place()
    port, steps, values = parts
    told = [*steps[-1:], *values]
    slug = frozenset(run for step in told for run in _words(step))
    return Place(
        site=registrable_domain(canonical) + port,
        slug=slug if len(slug) >= _LEAST_WORDS else frozenset(),
        number=_number([*steps[-2:], *values]),
        single=_is_single([*steps, *values]),
    )


def number_of(canonical: str | None) -> str:
    """Return site and number of the place ``canonical``, '' where no number stands for it."""
    if not canonical or (parts := _parts(canonical)) is None:
        return ""
    port, steps, values = parts
    number = _number([*steps[-2:], *values])
    return f"{registrable_domain(canonical)}{port} {number}" if number else ""


def _parts(canonical: str) -> tuple[str, list[str], list[str]] | None:
    """Return the port as it is written, the steps of the path, and the query's values."""
    try:
        parts = urlsplit(canonical)
        values = [value for _, value in parse_qsl(parts.query)]
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    steps = [_EXTENSION.sub("", step) for step in unquote(parts.path).split("/") if step]
    return port, steps, values


def _number(steps: list[str]) -> str:
    found = [number for step in steps for number in _NUMBER.findall(step.lower())]
    plain = [number for number in found if number.isdigit()]  # "covid19" is no code
    return next(reversed(plain or found), "")


def _words(step: str) -> list[str]:
    return [run for run in runs(step) if len(run) > 2 and run.isalpha()]


def _is_single(steps: list[str]) -> bool:
    if sum(map(str.isdigit, "".join(steps))) >= _LEAST_DIGITS:
        return True
    return any(len(_words(step)) >= _LEAST_WORDS or _is_drawn(step) for step in steps)


def _is_drawn(step: str) -> bool:
    """Tell whether ``step`` looks drawn by lot: long, of letters in no case or with digits."""
    if len(step) < _LEAST_DRAWN or not step.isascii():
        return False
    letters = any(map(str.isalpha, step))
    digits = letters and any(map(str.isdigit, step)) and "-" not in step[1:-1]
    return digits or _CAPITAL_WITHIN.search(step) is not None
