"""Is this an address, a date, a language, a media type?"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from tests.outputs.validator.findings import Findings

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # the web is younger
_UNRESERVED = r"A-Za-z0-9._~\-"
_SUB = r"!$&'()*+,;="
_PCT = "%[0-9A-Fa-f]{2}"
# RFC 3986 appendix A; RFC 3987 section 2.2 adds what is beyond ASCII.
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://(?:[{_UNRESERVED}{_SUB}:@]|{_PCT})*(?:\[[0-9A-Fa-f:.]+\])?(?::\d*)?)?"
    rf"(?:[{_UNRESERVED}{_SUB}:@/]|{_PCT})*"
    rf"(?:\?(?:[{_UNRESERVED}{_SUB}:@/?]|{_PCT})*)?(?:#(?:[{_UNRESERVED}{_SUB}:@/?]|{_PCT})*)?"
)
_BEYOND = re.compile("[\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd]")
_TAG = re.compile(r"tag:(?:[\w.-]+@)?[\w.-]+,\d{4}(?:-\d\d(?:-\d\d)?)?:.*", re.ASCII)  # RFC 4151
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{1,31}:.+", re.IGNORECASE)  # RFC 8141
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_RFC822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d\d? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|"
    r"Dec) \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})"
)
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-x(?:-[a-z0-9]{1,8})+)?"
)
_TOKEN = r"[^\s()<>,;:\\\"/\[\]?=]+"
_MEDIA_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(?:\s*;\s*{_TOKEN}=(?:"[^"]*"|{_TOKEN}))*')
_BAD = re.compile("[\x80-\x9f\ufffd]")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp);", re.IGNORECASE)
_END_TAG = re.compile(
    r"</(?:a|b|i|p|em|strong|span|div|br|li|ul|h[1-6]|font|img)\s*>", re.IGNORECASE
)


def address(text: str, to: Findings, *, iri: bool = False) -> None:
    """An absolute address (RFC 3986; RFC 3987 if ``iri``)."""
    plain = _BEYOND.sub("x", text) if iri else text
    if not _URI.fullmatch(plain):
        to.error(f"{text!r} is not an absolute {'IRI' if iri else 'URI'}")
    elif text.startswith("tag:") and not _TAG.fullmatch(plain):
        to.error(f"{text!r} is not a tag URI")
    elif text[:4].lower() == "urn:" and not _URN.fullmatch(plain):
        to.error(f"{text!r} is not a URN")
    elif text[:9].lower() == "urn:uuid:" and not _UUID.fullmatch(text):
        to.error(f"{text!r} is not a UUID")


def web(text: str, to: Findings) -> None:
    """An absolute http or https address with a host."""
    address(text, to)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        to.error(f"{text!r} is no web address")


def rfc3339(text: str, to: Findings, now: datetime) -> datetime | None:
    """A date of Atom (RFC 4287 section 3.3: T and Z in upper case) or JSON Feed."""
    if not _RFC3339.fullmatch(text):
        to.error(f"{text!r} is not an RFC 3339 date")
        return None
    return _plausible(datetime.fromisoformat(text), to, now)


def rfc822(text: str, to: Findings, now: datetime) -> None:
    """A date of RSS and OPML; the profile asks for four digits of year."""
    if not _RFC822.fullmatch(text):
        to.error(f"{text!r} is not an RFC 822 date with four digits of year")
        return
    at = parsedate_to_datetime(text)
    if "," in text and calendar.day_abbr[at.weekday()] != text[:3]:
        to.error(f"{text!r} was a {calendar.day_abbr[at.weekday()]}")
    _plausible(at, to, now)


def _plausible(at: datetime, to: Findings, now: datetime) -> datetime:
    if not EARLIEST <= at <= now + timedelta(minutes=10):
        to.warning(f"{at} is not a likely date")
    return at


def language(text: str, to: Findings) -> None:
    """A language tag (RFC 5646), in the usual case."""
    if not _LANGUAGE.fullmatch(text):
        to.error(f"{text!r} is not a language tag")


def media_type(text: str, to: Findings) -> None:
    """A media type (RFC 2045)."""
    if not _MEDIA_TYPE.fullmatch(text):
        to.error(f"{text!r} is not a media type")


def counted(text: str, to: Findings, *, least: int = 0) -> None:
    """A whole number."""
    if not text.isdecimal() or int(text) < least:
        to.error(f"{text!r} is not a whole number from {least} on")


def characters(text: str, to: Findings) -> None:
    """No C1 controls and no replacement characters: traces of a wrong decoding."""
    if found := _BAD.search(text):
        to.warning(f"holds {found[0]!r}")


def plain(text: str, to: Findings) -> None:
    """Text for people, that shows no markup."""
    characters(text, to)
    if not text.strip():
        to.error("is blank")
    elif found := _END_TAG.search(text) or _ENTITY.search(text):
        to.warning(f"shows markup: {found[0]!r}")


def name(text: str, to: Findings) -> None:
    """Somebody's or something's name, which may hold what looks like markup."""
    characters(text, to)
    if not text.strip():
        to.error("is blank")
