"""Which characters, addresses and dates may stand in a document of ours?"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from aggregator.text.urls import absolute
from aggregator.text.xml import one_line, xml_safe

# RFC 6838 section 4.2, with parameters.
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?", re.ASCII)

UNKNOWN_TYPE = "application/octet-stream"
"""Media type of an attachment of an unknown kind, where a format requires one (RFC 2046 4.5.1)."""


def text_of(text: str) -> str:
    """Return ``text`` without characters that XML 1.0 forbids and without blank ends."""
    return xml_safe(text).strip()


def line_of(text: str | None) -> str:
    """Return ``text`` as one visible line, empty for None."""
    return one_line(text) if text else ""


def web_link(url: str | None) -> str:
    """Return ``url`` if it is an absolute http(s) address, with what none may hold escaped.

    Else the empty string.
    """
    return absolute(url, "") or "" if url else ""


def host_of(link: str) -> str:
    """Return the host of a ``link`` that came from `web_link`, without ``www.``."""
    return (urlsplit(link).hostname or "").removeprefix("www.")


def media_type(text: str | None) -> str | None:
    """Return ``text`` if it has the shape of a media type (RFC 6838), else None."""
    name = line_of(text)
    return name if _MEDIA_TYPE.fullmatch(name) else None


def whole_second(moment: datetime) -> datetime:
    """Return ``moment`` in UTC, cut to the second: RSS knows no finer, and formats must agree.

    Raises ValueError for a naive time, which would be read in the machine's own zone, and
    OverflowError at the ends of the calendar.
    """
    if moment.tzinfo is None:
        raise ValueError("a date without a zone")
    return moment.astimezone(UTC).replace(microsecond=0)


def rfc822(moment: datetime) -> str:
    """Return ``moment`` as RSS and OPML write dates: English names, four-digit year, GMT.

    Needs no locale. feedgen sets the process's locale twice for each date, in every thread.
    """
    return format_datetime(moment.astimezone(UTC), usegmt=True)
