"""Publishers of every kind, who count what a reader does to them.

The counters are those of Rachel Kroll's feed reader score: requests without conditions, validators
that were never given, or given long ago, cookies, referrers, added parameters, and haste.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

from tests.origin import Line, Seen, answer

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ODD_DATE = "Mon, 1 Jan 2024 00:00:00 +0000 (odd)"

Clock = Callable[[], datetime]
Held = tuple[bytes | None, bytes | None]  # ETag, Last-Modified
NOTHING: Held = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer. ``taken`` when its validators are those to ask with from then on.

    ``wait`` is how long it alone asks to be left alone, ``quiet`` its host. ``length`` is told
    instead of the body's own; ``reset`` breaks off instead.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    taken: bool = False
    wait: timedelta = timedelta()
    quiet: bool = False
    length: int | None = None
    reset: bool = False


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a reader did to one address. All but the first three should be nothing."""

    requests: int = 0
    unconditional: int = 0
    least_gap: timedelta | None = None
    whole: int = 0  # unconditional, though validators had been given
    altered: int = 0  # validators that were never given, or only some of those given
    stale: int = 0  # validators from before the last ones
    early: int = 0
    closed: int = 0  # at hours that it excludes
    cookies: int = 0
    referrers: int = 0
    parameters: int = 0  # another target than the one configured
    methods: int = 0
    agents: int = 0  # another User-Agent than at first

    @property
    def faults(self) -> dict[str, int]:
        """Return what should not have happened, by name."""
        return {name: getattr(self, name) for name in self.__slots__[3:] if getattr(self, name)}


@dataclass(slots=True, kw_only=True)
class Press:
    """One address of a publisher: ``script`` answers, and everything that comes in is counted.

    ``least`` is the shortest time that a polite reader leaves between two requests; ``every`` what
    ops ask for in feeds.yaml. ``named`` is false for an address that is in no feeds.yaml. Presses
    of one ``host`` share it. ``target`` is path and query.
    """

    name: str
    script: "Script"
    least: timedelta = HOUR
    every: str | None = None
    target: str = ""
    host: str = ""
    named: bool = True
    closed: frozenset[int] = frozenset()
    held: Held = NOTHING
    past: set[Held] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
    now: datetime | None = None
    asked: Held = NOTHING
    free_at: datetime | None = None
    _agent: bytes | None = None

    def hear(self, seen: Seen, now: datetime, quiet_until: datetime | None) -> None:
        """Count one request at ``now``; its host wants quiet until then."""
        counts = self.counts
        self.asked = (seen.value("If-None-Match"), seen.value("If-Modified-Since"))
        counts.requests += 1
        self._time(now, quiet_until)
        self._conditions()
        agent = seen.value("User-Agent")
        self._agent = self._agent or agent
        counts.agents += agent != self._agent
        counts.methods += seen.method != "GET"
        counts.cookies += bool(seen.values("Cookie"))
        counts.referrers += bool(seen.values("Referer"))
        counts.parameters += seen.target != self.target

    def say(self, now: datetime) -> Said:
        """Return the answer to what was heard last."""
        said = self.script(self)
        self.free_at = now + max(self.least, said.wait)
        if said.taken:
            self.past.add(self.held)
            self.held = _validators(said.headers, self.held if said.status == 304 else NOTHING)
        return said

    def _time(self, now: datetime, quiet_until: datetime | None) -> None:
        counts = self.counts
        if self.now is not None:
            gap = now - self.now
            counts.least_gap = gap if counts.least_gap is None else min(gap, counts.least_gap)
            counts.closed += now.hour in self.closed
        late = [moment for moment in (self.free_at, quiet_until) if moment and now < moment]
        counts.early += bool(late)
        self.now = now
        self.free_at = now + self.least  # should no answer come

    def _conditions(self) -> None:
        counts = self.counts
        if self.asked == NOTHING:
            counts.unconditional += 1
            counts.whole += self.held != NOTHING
        elif self.asked != self.held:
            counts.stale += self.asked in self.past
            counts.altered += self.asked not in self.past


Script = Callable[[Press], Said]


def _validators(headers: Mapping[str, str | bytes], before: Held) -> Held:
    def of(name: str, held: bytes | None) -> bytes | None:
        value = headers.get(name)
        return value.encode() if isinstance(value, str) else value or held

    return of("ETag", before[0]), of("Last-Modified", before[1])


def rss(newest: int, head: str = "", listed: int = 8) -> bytes:
    """Return a feed whose newest entry has this number."""
    items = "".join(
        f"<item><guid>urn:x-press:{n}</guid><title>Report {n}</title></item>"
        for n in range(newest, max(newest - listed, 0), -1)
    )
    return f"<rss version='2.0'><channel><title>P</title>{head}{items}</channel></rss>".encode()


def atom(newest: int) -> bytes:
    """Return the same as Atom."""
    items = "".join(
        f"<entry><id>urn:x-press:{n}</id><title>Report {n}</title></entry>"
        for n in range(newest, max(newest - 8, 0), -1)
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>P</title>{items}</feed>".encode()


def json_feed(newest: int) -> bytes:
    """Return the same as JSON Feed."""
    items = ", ".join(
        f'{{"id": "urn:x-press:{n}", "content_text": "Report {n}"}}'
        for n in range(newest, max(newest - 8, 0), -1)
    )
    version = '"version": "https://jsonfeed.org/version/1.1", "title": "P"'
    return f'{{{version}, "items": [{items}]}}'.encode()


@dataclass(slots=True, kw_only=True)
class Feed:
    """A script: a feed with a new entry every so many ``hours``, which honours conditions.

    ``etag`` and ``modified`` are templates of the newest entry's number; ``deaf`` to conditions.
    """

    start: datetime
    etag: str | bytes | None = None
    modified: str | None = None
    hours: int = 5
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: timedelta = timedelta()
    write: Callable[[int], bytes] = rss
    deaf: bool = False

    def __call__(self, press: Press) -> Said:
        assert press.now is not None
        newest = 9 + (press.now - self.start) // (self.hours * HOUR)
        count = press.counts.requests if self.deaf else newest
        headers: dict[str, str | bytes] = dict(self.headers)
        if self.etag is not None:
            headers["ETag"] = self.etag % count
        if self.modified is not None:
            headers["Last-Modified"] = self.modified % count if "%" in self.modified else ODD_DATE
        if (
            not self.deaf
            and press.asked != NOTHING
            and press.asked == _validators(headers, NOTHING)
        ):
            return Said(status=304, headers=headers, taken=True, wait=self.wait)
        return Said(body=self.write(newest), headers=headers, taken=True, wait=self.wait)


def sometimes(fault: Said, at: set[int], otherwise: Script) -> Script:
    """Answer with ``fault`` to the requests whose numbers are in ``at``."""
    return lambda press: fault if press.counts.requests in at else otherwise(press)


def moved(status: int, to: str) -> Script:
    """Redirect, with a cookie and a validator that go nowhere else."""
    headers = {"Location": to, "Set-Cookie": "way=1", "ETag": '"way"'}
    return lambda _: Said(status=status, headers=headers)


def kinds(start: datetime) -> list[Press]:
    """Return one press of each kind. Addresses are given to them by who puts them on line."""
    plain = Feed(start=start, etag='"%d"')
    again = {3, 4, 9, 15}

    def channel(head: str) -> Callable[[int], bytes]:
        return lambda newest: rss(newest, head)

    skipped = "".join(f"<hour>{hour}</hour>" for hour in range(6))
    day = timedelta(days=1)
    return [
        Press(name="etag", script=plain),
        Press(name="weak", script=Feed(start=start, etag='W/"%d-gzip"')),
        Press(name="bytes", script=Feed(start=start, etag=b'"caf\xe9 %d"')),
        Press(name="unquoted", script=Feed(start=start, etag="abc%d")),
        Press(name="date", script=Feed(start=start, modified="then %d")),
        Press(name="odd-date", script=Feed(start=start, modified=ODD_DATE)),
        Press(name="both", script=Feed(start=start, etag='"%d"', modified="then %d")),
        Press(name="touched", script=Feed(start=start, etag='"%d"', modified="then %d", deaf=True)),
        Press(name="renewed", script=_renewing),
        Press(name="neither", script=Feed(start=start)),
        Press(name="expires", script=_expiring),
        Press(name="busy-day", script=Feed(start=start, etag='"%d"', hours=1)),
        Press(name="atom", script=Feed(start=start, etag='"%d"', write=atom)),
        Press(name="json", script=Feed(start=start, etag='"%d"', write=json_feed)),
        Press(name="query", script=plain, target="query?id=7&utm_source=x&b=%2F"),
        Press(
            name="max-age",
            script=Feed(
                start=start, etag='"%d"', wait=3 * HOUR, headers={"Cache-Control": "max-age=10800"}
            ),
        ),
        Press(
            name="invited",
            least=15 * MINUTE,
            script=Feed(start=start, etag='"%d"', hours=1, headers={"Cache-Control": "max-age=60"}),
        ),
        Press(
            name="no-store",
            script=Feed(
                start=start, etag='"%d"', headers={"Cache-Control": "no-store", "Expires": "0"}
            ),
        ),
        Press(
            name="ttl",
            script=Feed(start=start, etag='"%d"', write=channel("<ttl>180</ttl>")),
            least=3 * HOUR,
        ),
        Press(
            name="ttl-short",
            least=15 * MINUTE,
            script=Feed(start=start, etag='"%d"', write=channel("<ttl>5</ttl>")),
        ),
        Press(
            name="skip-hours",
            closed=frozenset(range(6)),
            script=Feed(
                start=start, etag='"%d"', write=channel(f"<skipHours>{skipped}</skipHours>")
            ),
        ),
        Press(
            name="cookies",
            script=Feed(start=start, etag='"%d"', headers={"Set-Cookie": "id=1; Path=/"}),
        ),
        Press(name="every-15m", every="15m", least=15 * MINUTE, script=plain),
        Press(name="every-5m", every="5m", least=5 * MINUTE, script=plain),
        Press(
            name="told-to-wait",
            script=sometimes(
                Said(status=429, headers={"Retry-After": "7200"}, wait=2 * HOUR, quiet=True),
                again,
                plain,
            ),
        ),
        Press(name="neighbour", script=plain, host="told-to-wait"),
        Press(name="overloaded", script=sometimes(Said(status=503, wait=2 * HOUR), again, plain)),
        Press(
            name="broken",
            script=sometimes(Said(status=500, wait=2 * HOUR), set(range(4, 8)), plain),
        ),
        Press(name="resets", script=sometimes(Said(reset=True, wait=2 * HOUR), again, plain)),
        Press(
            name="cut-short",
            script=sometimes(
                Said(body=rss(3), headers={"ETag": '"cut"'}, length=9_000), again, plain
            ),
        ),
        Press(
            name="a-page",
            script=sometimes(
                Said(body=b"<!doctype html><title>Sorry</title>", headers={"ETag": '"page"'}),
                again,
                plain,
            ),
        ),
        Press(name="empty", script=sometimes(Said(headers={"ETag": '"empty"'}), again, plain)),
        Press(
            name="emptied",
            script=sometimes(Said(body=rss(0), headers={"ETag": '"none"'}), again, plain),
        ),
        Press(
            name="part",
            script=sometimes(
                Said(status=206, body=rss(9), headers={"ETag": '"part"'}), again, plain
            ),
        ),
        Press(
            name="liar",
            script=sometimes(Said(status=304, headers={"ETag": '"lie"'}), {1, 2}, plain),
        ),
        Press(
            name="gone",
            script=sometimes(Said(status=410, wait=9999 * day), set(range(4, 99)), plain),
        ),
        Press(name="missing", script=lambda _: Said(status=404, wait=2 * HOUR)),
        Press(name="denied", script=lambda _: Said(status=401, wait=day)),
        Press(name="moved", script=moved(301, "moved-to")),
        Press(name="moved-to", script=plain, named=False, host="moved"),
        Press(name="detour", script=moved(302, "detour-to")),
        Press(name="detour-to", script=plain, named=False, host="detour"),
        Press(name="chain", script=moved(308, "chain-1")),
        Press(name="chain-1", script=moved(307, "chain-2"), named=False, host="chain"),
        Press(name="chain-2", script=plain, named=False, host="chain"),
    ]


def _expiring(press: Press) -> Said:
    """Be good for two hours, by a clock that is three behind."""
    assert press.now is not None
    date = press.now - 3 * HOUR
    headers = {
        "ETag": '"1"',
        "Date": format_datetime(date, usegmt=True),
        "Expires": format_datetime(date + 2 * HOUR, usegmt=True),
    }
    status = 200 if press.asked == NOTHING else 304
    return Said(status=status, body=rss(9), headers=headers, taken=True, wait=2 * HOUR)


def _renewing(press: Press) -> Said:
    """Give another ETag with every 304."""
    headers = {"ETag": f'"{press.counts.requests}"'}
    if press.asked == NOTHING:
        return Said(body=rss(9), headers=headers, taken=True)
    return Said(status=304, headers=headers, taken=True)


async def send(line: Line, said: Said) -> None:
    """Send ``said``."""
    if said.reset:
        line.reset()
        return
    await answer(said.status, said.body, said.headers, length=said.length)(line)
