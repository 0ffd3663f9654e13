"""Which texts are a duration, a size, an address, a language, a name?

Each kind is a pydantic annotation. A check that fails raises ValueError with a predicate only
("is not a duration; write 30m or 2h"): who shows it puts the text as written before it, so that a
value from the environment never reaches a message.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from aggregator.text.patterns import late
from aggregator.text.tokens import runs

MAX_LISTED = 20  # names in a message

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?P<count>\d{1,9})\s?(?P<unit>[smhd])")
_SIZES = {"": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_SIZE = re.compile(r"(?P<count>\d{1,12})\s?(?P<unit>[KMG]B|)")
# RFC 5646 section 2.1, without extensions: language, script, region, variants.
_LANGUAGE = late(
    r"(?P<language>[A-Za-z]{2,3})(?:-(?P<script>[A-Za-z]{4}))?"
    r"(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?(?P<variants>(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)
_TOKEN = late(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_OURS = frozenset({
    "accept-encoding", "connection", "content-length", "host", "if-modified-since",
    "if-none-match", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_MAIL = late(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def duration(text: object) -> timedelta:
    """Read ``90s``, ``30m``, ``2h`` or ``1d``; ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(str(text))
    if not found:
        raise ValueError("is not a duration; write 30m or 2h")
    return timedelta(seconds=int(found["count"]) * _UNITS[found["unit"]])


def spell_duration(span: timedelta) -> str:
    """Write ``span`` as `duration` reads it, in the largest unit that keeps it whole."""
    seconds = int(span.total_seconds())
    unit = next(u for u in "dhms" if seconds % _UNITS[u] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def usual() -> Any:
    """Return the default of a group of keys: what is usual for each of them.

    Not an instance of its model, which would be made, with all its checks, whenever anybody starts.
    """
    return Field(default_factory=dict, validate_default=True)


def between(least: str, most: str) -> AfterValidator:
    """Accept durations from ``least`` to ``most``, both written like ``5m``."""
    low, high = duration(least), duration(most)

    def check(span: timedelta) -> timedelta:
        if span < low:
            raise ValueError(f"is too short; write {least} or more")
        if span > high:
            raise ValueError(f"is too long; write {most} or less")
        return span

    return AfterValidator(check)


def size(text: object) -> int:
    """Read ``15 MB``, ``512KB`` or plain bytes (1 MB is 1,000,000); ValueError otherwise."""
    found = _SIZE.fullmatch(str(text))
    if not found:
        raise ValueError("is not a size; write 15 MB or 512 KB")
    return int(found["count"]) * _SIZES[found["unit"]]


def language(text: str) -> str:
    """Check a language tag (RFC 5646) and return it in its usual case: ``en``, ``pt-BR``."""
    found = _LANGUAGE.fullmatch(text)
    if not found:
        raise ValueError("is not a language tag; write en, pt-BR or zh-Hant")
    script, region = (found["script"] or "").title(), (found["region"] or "").upper()
    parts = [found["language"].lower(), script, region, found["variants"].lower().strip("-")]
    return "-".join(part for part in parts if part)


def web_url(text: str) -> str:
    """Check the address of a feed, which may carry ``user:password@``; return it unchanged."""
    _split_url(text)
    return text


def open_url(text: str) -> str:
    """Check an address that is told to everybody; return it unchanged."""
    if "@" in _split_url(text).netloc:
        raise ValueError("is told to everybody; write it without user name and password")
    return text


def base_url(text: str) -> str:
    """Check the public address of this installation; return it without trailing slash."""
    parts = _split_url(text)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("is more than an address; write https://news.example.org")
    return text.rstrip("/")


def _split_url(text: str) -> SplitResult:
    if re.search(r"[\x00-\x20\x7f<>\"\\]", text):
        raise ValueError('holds a space or a forbidden character; write a space as "%20"')
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("has a host or port that cannot be; write https://host/path") from None
    scheme = parts.scheme if "://" in text else ""
    if scheme not in {"http", "https"}:
        raise ValueError("is not a web address; write it whole, beginning with https:// or http://")
    if port == 0 or not _is_host(parts.hostname or ""):
        raise ValueError("has a host or port that cannot be; write https://host/path")
    return parts


def _is_host(host: str) -> bool:
    if not host or "%" in host:
        return False
    if host.isascii():  # as nearly always; the codec takes long to load
        labels = host.removesuffix(".").split(".")
        return ":" in host or all(0 < len(label) < 64 for label in labels)
    try:
        return bool(host.encode("idna"))
    except UnicodeError:  # an empty label, or one longer than 63
        return False


def header(value: str) -> str:
    """Check a header's value: printable ASCII on one line (RFC 9110 section 5.5)."""
    if re.search(r"[\r\n\0]", value):
        raise ValueError("holds a line break; write it on one line")
    if not re.fullmatch(r"[\t\x20-\x7e]*", value):
        raise ValueError("holds characters beyond ASCII; write plain ASCII")
    if value != value.strip() or not value:
        raise ValueError("is empty or has spaces around it; write the bare value")
    return value


def header_name(name: str) -> str:
    """Check a header's name, and that it is not one the poller itself must control."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("is not a header name; write letters, digits and dashes")
    if name.lower() in _OURS:
        raise ValueError("is set by the poller itself; remove it")
    return name


def distinct_headers(headers: dict[str, str]) -> dict[str, str]:
    """Refuse the same header in two spellings (RFC 9110 section 5.1: case does not matter)."""
    names = [name.lower() for name in headers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f'name "{twice}" twice in different case; keep one')
    return headers


def network(text: str) -> str:
    """Check an address range such as ``10.0.0.0/8``, and return it in its usual form."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("is not an address range; write 10.0.0.0/8 or 192.168.1.7") from None


def storage_url(text: str) -> str:
    """Check the address of the database: SQLite file or PostgreSQL server."""
    if not re.fullmatch(r"sqlite:///.+|postgresql://.+", text):
        raise ValueError("is not a storage address; write sqlite:///data/aggregator.sqlite3")
    return text


def contact(text: str) -> str:
    """Check that publishers can follow ``text``: an http(s) address or a mail address."""
    if text.isascii() and (_MAIL.fullmatch(text) or re.fullmatch(r"https?://\S+", text)):
        return text
    raise ValueError("is no way to reach you; write ops@example.org or https://example.org/about")


def known_topic(slug: str, info: ValidationInfo) -> str:
    """Check ``slug`` against the topics in the validation context, if it names any."""
    context: Mapping[str, Any] = info.context or {}
    topics = context.get("topics")
    if topics is None or slug in topics:
        return slug
    raise ValueError(f"is not a topic of topics.yaml; {suggest(slug, topics)}")


def listed_under(what: str, name: str) -> AfterValidator:
    """Accept names that the validation context lists under ``what``, whatever their case."""

    def check(text: str, info: ValidationInfo) -> str:
        context: Mapping[str, Any] = info.context or {}
        listed = context.get(what)
        if listed is None:
            return text
        if found := next((each for each in listed if each.lower() == text.lower()), None):
            return str(found)
        raise ValueError(f"is not {name}; {suggest(text, listed)}")

    return AfterValidator(check)


def has_words(text: str) -> str:
    """Check that a phrase has letters or digits to look for."""
    if not runs(text):
        raise ValueError("holds no word; write one such as ferry")
    return text


def secret(text: str) -> str:
    """Check that a token cannot be guessed, and can be sent as a password."""
    if len(text) < 16:
        raise ValueError("is too short; write 16 characters or more (openssl rand -hex 16)")
    return header(text)


def is_local(host: str) -> bool:
    """Tell whether only this machine can reach what listens at ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def suggest(word: str, known: tuple[str, ...]) -> str:
    """Say which of ``known`` was meant, or list them all."""
    near = get_close_matches(word.lower(), known, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    if not known:
        return "there are none; remove it"
    more = f" (and {len(known) - MAX_LISTED} more)" if len(known) > MAX_LISTED else ""
    return f"write one of {', '.join(known[:MAX_LISTED])}{more}"


def rising(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Check that each number is larger than the one before it."""
    if list(numbers) != sorted(set(numbers)):
        raise ValueError("is not in rising order; write [3, 6, 12]")
    return numbers


def matching(pattern: str, wanted: str) -> AfterValidator:
    """Accept texts that match ``pattern`` as a whole; ``wanted`` says what to write instead."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(wanted)
        return text

    return AfterValidator(check)


def _line(text: str) -> str:
    if not text.strip() or not text.strip().isprintable():
        raise ValueError("is empty or holds a line break; write a text of one line")
    return text.strip()


def as_list(value: object) -> object:
    """Let one value stand for a list of it."""
    return [value] if isinstance(value, str | int) else value


def one_or_many(item: Mapping[str, object]) -> WithJsonSchema:
    """Describe a list to editors, or one ``item`` of it."""
    return WithJsonSchema({"anyOf": [dict(item), {"type": "array", "items": dict(item)}]})


def written(pattern: str, *examples: str) -> WithJsonSchema:
    """Describe a text to editors: the whole of it matches ``pattern``."""
    return WithJsonSchema(
        {"type": "string", "pattern": f"^(?:{pattern})$", "examples": [*examples]}
    )


SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_SLUG_SCHEMA: Mapping[str, object] = {"type": "string", "pattern": f"^{SLUG}$"}

Duration = Annotated[
    timedelta, BeforeValidator(duration), written(r"\d{1,9} ?[smhd]", "90s", "30m", "2h", "1d")
]
Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d{1,12} ?([KMG]B)?$", "examples": ["15 MB"]},
            ]
        }
    ),
]
Language = Annotated[
    str, AfterValidator(language), written(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", "en", "pt-BR")
]
WebUrl = Annotated[
    str, AfterValidator(web_url), written(r"https?://\S+", "https://example.org/feed.xml")
]
WebUrls = Annotated[
    tuple[Annotated[str, AfterValidator(open_url)], ...],
    BeforeValidator(as_list),
    one_or_many({"type": "string", "pattern": r"^https?://\S+$"}),
]
BaseUrl = Annotated[
    str, AfterValidator(base_url), written(r"https?://[^\s?#@]+", "https://news.example.org")
]
StorageUrl = Annotated[
    str,
    AfterValidator(storage_url),
    written(r"sqlite:///.+|postgresql://.+", "sqlite:///data/aggregator.sqlite3"),
]
Contact = Annotated[
    str,
    AfterValidator(contact),
    written(r"https?://\S+|[^@\s]+@[^@\s]+", "ops@example.org", "https://example.org/about"),
]
Line = Annotated[str, AfterValidator(_line)]
Slug = Annotated[
    str,
    matching(SLUG, "is not a slug; write lower-case letters, digits and dashes"),
    written(SLUG, "world"),
]
Topic = Annotated[str, AfterValidator(known_topic), written(SLUG, "world", "science")]
Topics = Annotated[tuple[Topic, ...], BeforeValidator(as_list), one_or_many(_SLUG_SCHEMA)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(as_list), one_or_many({"type": "string"})]
Networks = Annotated[
    tuple[Annotated[str, AfterValidator(network)], ...],
    BeforeValidator(as_list),
    one_or_many({"type": "string", "examples": ["10.0.0.0/8"]}),
]
Ports = Annotated[
    tuple[Annotated[int, Field(ge=1, le=65535)], ...],
    BeforeValidator(as_list),
    one_or_many({"type": "integer", "minimum": 1, "maximum": 65535}),
]
Headers = Annotated[
    dict[
        Annotated[str, AfterValidator(header_name)],
        Annotated[str, AfterValidator(header)],
    ],
    AfterValidator(distinct_headers),
    Field(examples=[{"Authorization": "Bearer ${TOKEN}"}]),
]
