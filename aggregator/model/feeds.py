"""What ops asked for (`Feed`) and what we remember of it (`FeedState`)."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from aggregator.model.discreet import Discreet
from aggregator.model.push import NO_HUB, HubLinks


class Tls(Struct, frozen=True, kw_only=True):
    """How a host's certificate is checked.

    ``ca`` is the path of a PEM file with the authorities that may have signed it, instead of the
    usual ones. Without ``verify`` it is not checked at all.
    """

    verify: bool = True
    ca: str | None = None


USUAL_TLS = Tls()


class Feed(Discreet, frozen=True, kw_only=True):
    """One feed as configured in ``feeds.yaml``.

    ``id`` is permanent: item ids are derived from it. ``url`` carries no user name or password;
    those are in ``credentials`` and are only ever sent to the origin of ``url``. ``owner`` is the
    voice that counts in ranking: sister titles share one. ``weight`` is 1.0 for an ordinary source.
    ``topics`` are slugs of ``config/topics.yaml``. ``every`` is None when ops left it to us.
    When ``secret``, ``url`` itself opens what is not for everybody: it is never published.
    ``tls`` holds for the host of ``url`` and for no other that it leads to. ``keep`` and
    ``keep_items`` say how long and how many of its items are kept, where that is less than usual.
    """

    hidden = frozenset({"headers", "credentials"})

    id: str
    url: str
    title: str | None = None
    topics: tuple[str, ...] = ()
    owner: str = ""
    weight: float = 1.0
    every: timedelta | None = None
    language: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # may hold secrets
    credentials: tuple[str, str] | None = None
    tls: Tls = USUAL_TLS
    keep: timedelta | None = None
    keep_items: int | None = None
    enabled: bool = True
    secret: bool = False


class Validators(Struct, frozen=True, kw_only=True):
    """What a publisher gave us to ask "has it changed?" with, byte for byte as received.

    They belong to ``url``, the effective address that sent them (RFC 9110 section 13.1), and are
    never sent anywhere else.
    """

    url: str
    etag: bytes | None = None
    last_modified: bytes | None = None


class Skips(Struct, frozen=True, kw_only=True):
    """When a publisher does not want to be asked (RSS 2.0 skipHours, skipDays), in GMT.

    ``hours`` are 0-23, ``days`` 0-6 from Monday. A set that holds all of them says nothing and is
    never made.
    """

    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()


NO_SKIPS = Skips()


class Rhythm(Struct, frozen=True, kw_only=True):
    """When a feed brings something new: a histogram that forgets, as it stood at ``at``.

    ``hours`` (24, GMT) and ``days`` (7, from Monday) each count the same entries, older ones for
    less. ``since`` is the beginning of what was observed, ``newest`` when the newest entry came.
    """

    since: datetime
    at: datetime
    newest: datetime | None = None
    hours: tuple[float, ...] = (0.0,) * 24
    days: tuple[float, ...] = (0.0,) * 7


class Move(Struct, frozen=True, kw_only=True):
    """A permanent redirect on trial: where to, since when, and on how many visits it was seen."""

    to: str
    since: datetime
    visits: int = 1


class KeyRule(StrEnum):
    """What tells the entries of a feed apart."""

    GUID = "guid"
    FORM = "guid-form"  # less what moves in it: scheme, www, tracking parameters, #1
    LINK = "link"
    BOTH = "guid-and-link"
    WORDS = "title-and-date"


class Habits(Struct, frozen=True, kw_only=True):
    """What a feed taught us of its ids: by ``key`` its entries are told apart.

    ``reformed`` counts items whose guid came back in another form, ``reused`` entries that came
    under the guid of another story; ``renewed`` and ``reworded`` count visits at which most ids
    were others though the addresses, or the titles and dates, were known.
    """

    key: KeyRule = KeyRule.GUID
    reformed: int = 0
    reused: int = 0
    renewed: int = 0
    reworded: int = 0


NO_HABITS = Habits()


class Older(Struct, frozen=True, kw_only=True):
    """A search in older pages for what came and went between two visits.

    ``page`` is the address to read next, ``read`` what was read, the feed's own first; ``tries``
    counts visits in a row to which it was not given. ``since`` is the last good visit before the
    gap, ``at`` the one that found it: what was first seen then or later was not known before.
    """

    page: str
    at: datetime
    since: datetime | None = None
    read: tuple[str, ...] = ()
    tries: int = 0


class FeedState(Struct, frozen=True, kw_only=True):
    """What we remember of a feed between visits.

    ``digest`` is the SHA-256 (hex) of the last body taken in; ``url`` the configured address it was
    learned from, so that an edited address starts afresh. ``failures`` counts visits in a row that
    brought nothing. ``because`` names the rule that chose ``next_due``; ``not_before`` is what the
    last answer asked for (Retry-After), which not even ops override.

    What the last document said: ``ttl`` is how long it asked to be left alone, ``base`` a moment
    of its timetable, of which ``ttl`` is the step (sy:updateBase), ``skips`` when not to ask,
    ``entries`` how many it listed (None: none was ever read); ``title``, ``home`` and
    ``feed_language`` are the publisher's own words.

    What we learned: ``rhythm``; ``moved_to`` is asked instead of the configured address (None: that
    one is), ``move`` the redirect on trial; ``gaps`` counts visits that found nothing in common
    with what was known, the last of them at ``last_gap_at``, and ``haste`` how often the interval
    was halved for it then; ``recovered`` counts entries that were read from older pages after all,
    ``older`` is the search for them while it is under way; ``habits`` tell its entries apart.

    ``turn`` counts the attempts to visit it: who began an earlier one may not write any more.

    Of pushing: ``links`` is who announces its news; ``usual_due`` is when it would have been due,
    had ``next_due`` not been put off because its hub tells (None: it was not); ``missed`` counts
    the entries that polls found although the hub should have told.
    """

    feed: str
    url: str
    next_due: datetime
    because: str = "new"
    not_before: datetime | None = None
    validators: Validators | None = None
    digest: str | None = None
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    gone: bool = False
    visits: int = 0
    ttl: timedelta | None = None
    base: datetime | None = None
    skips: Skips = NO_SKIPS
    entries: int | None = None
    rhythm: Rhythm | None = None
    moved_to: str | None = None
    move: Move | None = None
    gaps: int = 0
    last_gap_at: datetime | None = None
    haste: int = 0
    recovered: int = 0
    older: Older | None = None
    links: HubLinks = NO_HUB
    usual_due: datetime | None = None
    missed: int = 0
    habits: Habits = NO_HABITS
    title: str | None = None
    home: str | None = None
    feed_language: str | None = None
    turn: int = 0
