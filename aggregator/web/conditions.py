"""Has the client got it already, and in which coding would it like it?"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from aggregator.web.served import Served, Variant

# RFC 9110 section 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. Proxies are seen to drop the
# quotes, so those are optional here.
_TAG = re.compile(r'\s*(?:W/)?(?:"([^"]*)"|([^",\s]+))\s*(?:,|$)')
# What proxies append when they compress by themselves (Apache bug 45023, and others like it).
_MANGLED = ("-gzip", "--gzip", ";gzip", "-br", ";br", "-df", "-zstd")
_MAX_HEADER = 4096  # bytes of a header that we read at all


@lru_cache(maxsize=512)
def qualities(accept_encoding: str) -> tuple[tuple[str, float], ...]:
    """Return the codings that a client names with their weights (RFC 9110 section 12.5.3).

    A weight that cannot be read counts as 0.
    """
    named = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        if coding:
            named["gzip" if coding == "x-gzip" else coding] = _weight(parameters)
    return tuple(named.items())


def chosen(served: Served, accept_encoding: str | None) -> Variant | None:
    """Return the variant to send, or None when the client rules all of them out.

    The client's weights decide; among equals the smallest wins. Without the header, identity.
    """
    if not accept_encoding or len(accept_encoding) > _MAX_HEADER:
        return served.variants[-1]
    named = dict(qualities(accept_encoding))
    anything = named.get("*")
    best, highest = None, 0.0
    for variant in served.variants:
        # identity needs no mention, and is the last resort unless it is weighed.
        unnamed = 1e-4 if variant.coding == "identity" and anything is None else anything or 0.0
        weight = named.get(variant.coding, unnamed)
        if weight > highest:
            best, highest = variant, weight
    return best


def unchanged(
    served: Served, variant: Variant, if_none_match: str | None, if_modified_since: str | None
) -> bool:
    """Return whether 304 is the answer (RFC 9110 section 13.2.2).

    If-None-Match is compared weakly and rules; If-Modified-Since counts only without it.
    """
    if if_none_match is not None:
        return _matches(variant.etag.strip('"'), if_none_match[:_MAX_HEADER])
    if if_modified_since is None:
        return False
    if if_modified_since == served.last_modified:
        return True
    since = _http_date(if_modified_since[:_MAX_HEADER])
    return since is not None and since >= served.changed_at


def _matches(tag: str, if_none_match: str) -> bool:
    if if_none_match.strip() == "*":
        return True
    for found in _TAG.finditer(if_none_match):
        held = found[1] or found[2] or ""
        if held == tag or any(held == tag + suffix for suffix in _MANGLED):
            return True
    return False


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0.0 <= weight <= 1.0 else 0.0
    return 1.0


def _http_date(text: str) -> datetime | None:
    """RFC 9110 section 5.6.7: three forms, all in GMT; a date that cannot be read is ignored."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
