"""What does the head of an answer say?

Pure, and never raises: headers come from anybody. A header list is pairs of raw bytes in the order
received.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from msgspec.structs import replace

from aggregator.model.feeds import Validators
from aggregator.model.visits import Hints

Headers = Sequence[tuple[bytes, bytes]]

MAX_DELAY = timedelta(days=31)  # beyond, a server's number is a mistake or a joke

MAX_VALIDATOR = 4096  # bytes; servers refuse requests with longer header lines, each time anew

_DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]*)))?')


def all_of(headers: Headers, name: bytes) -> Iterator[bytes]:
    """Yield the values of header ``name`` (lower case)."""
    return (value for key, value in headers if key.lower() == name)


def first_of(headers: Headers, name: bytes) -> bytes:
    """Return the first value of header ``name`` (lower case), empty when missing."""
    return next(all_of(headers, name), b"")


def validators_of(headers: Headers, url: str) -> Validators | None:
    """Return the validators that ``url`` gave, byte for byte; None when it gave none.

    RFC 9110 section 8.8: both are opaque to us; a date is not read, let alone written anew.
    """
    etag = _validator(headers, b"etag")
    modified = _validator(headers, b"last-modified")
    if etag is None and modified is None:
        return None
    return Validators(url=url, etag=etag, last_modified=modified)


def freshened(held: Validators, headers: Headers) -> Validators:
    """Return ``held`` with what a 304 replaces (RFC 9111 section 4.3.4)."""
    return replace(
        held,
        etag=_validator(headers, b"etag") or held.etag,
        last_modified=_validator(headers, b"last-modified") or held.last_modified,
    )


def hints_of(headers: Headers, *, received: datetime | None = None) -> Hints:
    """Read when to come back, relative to the answer's own Date.

    ``received`` stands in for a missing Date (RFC 9110 section 6.6.1); without either, dates in
    Expires and Retry-After say nothing.
    """
    base = http_date(first_of(headers, b"date")) or received
    return Hints(fresh_for=_fresh_for(headers, base), retry_after=_retry_after(headers, base))


@lru_cache(maxsize=64)  # the time of an answer is that of many
def http_date(value: bytes) -> datetime | None:
    """Read any of the three forms of RFC 9110 section 5.6.7; None when it is none of them."""
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _validator(headers: Headers, name: bytes) -> bytes | None:
    value = first_of(headers, name)
    return value if 0 < len(value) <= MAX_VALIDATOR else None


def _fresh_for(headers: Headers, base: datetime | None) -> timedelta | None:
    directives = _cache_control(headers)
    if "no-cache" in directives or "no-store" in directives:
        return None
    lifetime = _lifetime(headers, directives, base)
    if lifetime is None:
        return None
    age = _seconds(first_of(headers, b"age").decode("latin-1")) or timedelta()
    return max(lifetime - age, timedelta())


def _lifetime(
    headers: Headers, directives: dict[str, timedelta | None], base: datetime | None
) -> timedelta | None:
    """RFC 9111 section 4.2.1: max-age, else Expires - Date; s-maxage is for shared caches."""
    max_age = directives.get("max-age")
    if max_age is not None:
        return max_age
    expires = first_of(headers, b"expires")
    if not expires:
        return None
    moment = http_date(expires)
    if moment is None:
        return timedelta()  # section 5.3: an invalid date, "0" above all, means already expired
    return _until(moment, base)


def _retry_after(headers: Headers, base: datetime | None) -> timedelta | None:
    """RFC 9110 section 10.2.3: whole seconds or a date."""
    value = first_of(headers, b"retry-after")
    seconds = _seconds(value.decode("latin-1").strip())
    return _until(http_date(value), base) if seconds is None else seconds


def _until(moment: datetime | None, base: datetime | None) -> timedelta | None:
    if moment is None or base is None:
        return None
    return min(max(moment - base, timedelta()), MAX_DELAY)


def _cache_control(headers: Headers) -> dict[str, timedelta | None]:
    """Directives by name with their seconds. Said twice, the longer time stands: it is kinder."""
    text = b",".join(all_of(headers, b"cache-control")).decode("latin-1").lower()
    found: dict[str, timedelta | None] = {}
    for name, quoted, plain in _DIRECTIVE.findall(text[:4096]):
        seconds = _seconds((quoted or plain).strip())
        found[name] = max(filter(None, (seconds, found.get(name))), default=seconds)
    return found


def _seconds(text: str) -> timedelta | None:
    """RFC 9111 section 1.2.2: digits; too large a number means "as long as you can"."""
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0") or "0"
    return min(timedelta(seconds=int(digits)), MAX_DELAY) if len(digits) <= 9 else MAX_DELAY
