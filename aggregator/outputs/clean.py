"""Which characters, addresses and dates may stand in a document of ours?"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, urlsplit, urlunsplit

from aggregator.text.html import to_text
from aggregator.text.patterns import late
from aggregator.text.urls import absolute
from aggregator.text.xml import one_line, xml_safe

# RFC 6838 section 4.2, with parameters.
_MEDIA_TYPE = late(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;.*)?", re.ASCII)

# RFC 3986 section 3: what may stand in a URI behind its host, and where.
_SEGMENT = "/:@!$&'()*+,;=~%"
_URI = late(
    r"https?://[A-Za-z0-9.-]+(?::\d*)?[A-Za-z0-9._~/:@!$&'()*+,;=%-]*"
    r"(?:\?[A-Za-z0-9._~/:@!$&'()*+,;=%?-]*)?(?:#[A-Za-z0-9._~/:@!$&'()*+,;=%?-]*)?"
)
_LONE_PERCENT = late(r"%(?![0-9A-Fa-f]{2})")
_TAGGED = late(r"</(?:a|b|i|p|em|strong|span|div|li|ul|ol|h[1-6]|font)\s*>", re.IGNORECASE)
# Traces of a wrong decoding: Windows-1252 that was read as Latin-1 (C1 controls, which XML 1.0
# section 2.2 discourages), and the characters that decoders put in place of what they do not know.
_MISREAD = late("[\x80-\x84\x86-\x9f\ufffd]")

UNKNOWN_TYPE = "application/octet-stream"
"""Media type of an attachment of an unknown kind, where a format requires one (RFC 2046 4.5.1)."""


def text_of(text: str) -> str:
    """Return ``text`` without characters that XML 1.0 forbids and without blank ends.

    Windows-1252 that was read as Latin-1 is mended; what nobody could decode is left out.
    """
    return _MISREAD.sub(_mended, xml_safe(text)).strip()


def prose_of(text: str) -> str:
    """Return plain ``text`` without markup that its publisher escaped twice."""
    clean = text_of(text)
    return to_text(clean) if _TAGGED.search(clean) else clean


def line_of(text: str | None) -> str:
    """Return ``text`` as one visible line, empty for None."""
    return one_line(_MISREAD.sub(_mended, text)) if text else ""


def web_link(url: str | None) -> str:
    """Return ``url`` as a URI if it is an absolute http(s) address, else the empty string.

    Not all readers take other letters than ASCII: RFC 3987 section 3.1 says how to write them.
    """
    address = absolute(url, "") if url else None
    if not address:
        return ""
    sound = _URI.fullmatch(address) and not _LONE_PERCENT.search(address)
    return address if sound else _uri(address)


def _uri(iri: str) -> str:
    parts = urlsplit(_LONE_PERCENT.sub("%25", iri))
    try:
        netloc = parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        netloc = quote(parts.netloc, safe=":@[]")
    path = quote(parts.path, safe=_SEGMENT)
    query, fragment = (quote(part, safe=f"{_SEGMENT}?") for part in (parts.query, parts.fragment))
    return urlunsplit((parts.scheme, netloc, path, query, fragment))


def _mended(found: re.Match[str]) -> str:
    return found[0].encode("latin-1", "ignore").decode("cp1252", "ignore")


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
