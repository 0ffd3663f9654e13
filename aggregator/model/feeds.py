"""What ops asked for (`Feed`) and what we remember of it (`FeedState`)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed as configured in ``feeds.yaml``.

    ``id`` is permanent: item ids are derived from it. ``url`` carries no user name or password;
    those are in ``credentials`` and are only ever sent to the origin of ``url``. ``owner`` is the
    voice that counts in ranking: sister titles share one. ``weight`` is 1.0 for an ordinary source.
    ``topics`` are slugs of ``config/topics.yaml``. ``every`` is None when ops left it to us.
    """

    id: str
    url: str
    title: str | None = None
    topics: tuple[str, ...] = ()
    owner: str = ""
    weight: float = 1.0
    every: timedelta | None = None
    language: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold secrets
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a publisher gave us to ask "has it changed?" with, byte for byte as received.

    They belong to ``url``, the effective address that sent them (RFC 9110 section 13.1), and are
    never sent anywhere else.
    """

    url: str
    etag: bytes | None = None
    last_modified: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What we remember of a feed between visits.

    ``digest`` is the SHA-256 (hex) of the last body taken in; ``url`` the configured address it was
    learned from, so that an edited address starts afresh. ``failures`` counts visits in a row that
    brought nothing. ``because`` names the rule that chose ``next_due``. ``ttl`` is
    how long the last document asked to be left alone; ``title``, ``home`` and ``feed_language``
    are the publisher's own words.
    """

    feed: str
    url: str
    next_due: datetime
    because: str = "new"
    validators: Validators | None = None
    digest: str | None = None
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    gone: bool = False
    visits: int = 0
    ttl: timedelta | None = None
    title: str | None = None
    home: str | None = None
    feed_language: str | None = None
