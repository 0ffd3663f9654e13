"""What a visit to a publisher can bring: an answer, then a document."""

from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model.feeds import NO_SKIPS, Skips, Validators
from aggregator.model.items import Entry
from aggregator.model.push import NO_HUB, HubLinks


class Hints(Struct, frozen=True, kw_only=True):
    """What the answer says about when to come back, already relative to the answer's own Date.

    ``fresh_for`` from Cache-Control, Age and Expires; ``retry_after`` from Retry-After. Never
    negative; None when not said or not understood.
    """

    fresh_for: timedelta | None = None
    retry_after: timedelta | None = None


NO_HINTS = Hints()


class Fetched(Struct, frozen=True, kw_only=True):
    """A whole body, decoded from its Content-Encoding.

    ``url`` is the effective address after redirects. ``content_type`` is the header as sent, empty
    when missing. ``moved_to`` is the address at the end of the leading run of permanent redirects.
    ``links`` is what the Link headers say of hubs.
    """

    url: str
    body: bytes
    content_type: str = ""
    validators: Validators | None = None
    hints: Hints = NO_HINTS
    moved_to: str | None = None
    links: HubLinks = NO_HUB


class NotModified(Struct, frozen=True, kw_only=True):
    """304: nothing new. ``validators`` are those to ask with next time.

    ``moved_to`` is the address at the end of the leading run of permanent redirects.
    """

    validators: Validators
    hints: Hints = NO_HINTS
    moved_to: str | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """410: the publisher says that this feed is no more."""


class Refused(Struct, frozen=True, kw_only=True):
    """We would not ask, or would not take the answer; ``reason`` tells ops which rule and why."""

    reason: str


class Failed(Struct, frozen=True, kw_only=True):
    """The publisher could not be asked or gave no usable answer; ``status`` if one came.

    ``closed`` when nobody listens at the port, or not to TLS.
    """

    reason: str
    status: int | None = None
    hints: Hints = NO_HINTS
    closed: bool = False


Answer = Fetched | NotModified | Gone | Refused | Failed


class Posted(Struct, frozen=True, kw_only=True):
    """A request to do something was taken."""

    status: int


class FeedMeta(Struct, frozen=True, kw_only=True):
    """What a document says of itself.

    ``ttl`` is the longest of ttl and sy:updatePeriod / updateFrequency, if any; ``base`` is its
    sy:updateBase when that timetable is what ``ttl`` came from. ``skips``: when not to ask.
    ``older`` is the address of a document with the entries before these, if it names one.
    ``links``: who announces its news.
    """

    title: str = ""
    home: str | None = None
    language: str | None = None
    ttl: timedelta | None = None
    base: datetime | None = None
    skips: Skips = NO_SKIPS
    older: str | None = None
    updated: datetime | None = None
    version: str = ""
    links: HubLinks = NO_HUB


class ParsedFeed(Struct, frozen=True, kw_only=True):
    """A document that is a feed: ``entries`` in document order, ``remarks`` on what was mended.

    ``omitted`` counts entries that were left out because their very bytes had been read before.
    """

    meta: FeedMeta
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...] = ()
    omitted: int = 0


class Unreadable(Struct, frozen=True, kw_only=True):
    """A document that is no feed, or could not be read within its limits; one line says why.

    ``links``: who announces its news, if it is a page that names somebody.
    """

    reason: str
    links: HubLinks = NO_HUB


Document = ParsedFeed | Unreadable


class Arrivals(Struct, frozen=True, kw_only=True):
    """What the entries of a document were to us.

    ``listed`` counts them, ``known`` those that we had seen before; ``times`` are the publishers'
    dates of the others, None where there was none. ``first`` when nothing of the feed was known.
    """

    listed: int = 0
    known: int = 0
    times: tuple[datetime | None, ...] = ()
    first: bool = False


class Logged(Struct, frozen=True, kw_only=True):
    """One attempt to read a feed, as our own log has it: what we sent and when, and what came.

    ``due`` is the time from which we were free to ask and ``because`` the rule that chose it.
    ``place`` stands for the address that was asked last (`place_of`); ``requests`` counts redirects
    too. ``conditional`` when validators were sent, ``gave`` when some came back.
    ``outcome`` is an operator's word, None of a visit that was cut short; ``size`` is in bytes on
    the wire, ``status`` the last one of HTTP.
    """

    at: datetime
    due: datetime
    because: str
    place: int
    conditional: bool
    requests: int = 1
    outcome: str | None = None
    status: int | None = None
    size: int = 0
    new: int = 0
    gave: bool = False
