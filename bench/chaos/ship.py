"""What is tried? An installation of two of each role, over a server and publishers of its own."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.service import clock
from bench.chaos.press import FEEDS, Press, title
from tests.fleet import Fleet, Member
from tests.postgres import Server
from tests.stores import Hand

ROLES = ("scheduler", "scheduler", "organiser", "organiser", "poller", "poller", "web", "web")
LATEST = "feeds/latest.json"
SERVICE = """
reach: {allow_private: [127.0.0.0/8, 10.0.0.0/8]}
politeness: {spacing: 0s, start_rate: 1000, per_host: 1}
limits: {workers: 1}
push: {subscribe: "off"}
site: {base_url: 'https://news.example'}
publish: {entries: 1000, hold: 0s}
"""
NOTHING: Mapping[str, dict[str, Any]] = {}


@dataclass(slots=True)
class Ship:
    """The members and everything around them.

    ``hows`` says how members are started, by role and place: in which environment, ``within``
    which network, by which ``url`` they reach the database ``{name}``.
    """

    server: Server
    press: Press
    fleet: Fleet
    url: str
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _places: dict[Member, int] = field(default_factory=dict)

    def start(self, role: str, place: int) -> Member:
        """Start the member of a role at its place, 0 or 1."""
        how = dict(self.hows.get(f"{role}-{place}", {}))
        name = self.url.removeprefix("postgresql:///").partition("?")[0]
        url = how.pop("url", self.url).format(name=name)
        mark = f"application_name={role}-{len(self.fleet.members)}"
        member = self.fleet.start(role, url=f"{url}&{mark}", **how)
        self._places[member] = place
        return member

    def replace(self, member: Member) -> Member:
        """Start another one in the place of a member that was killed."""
        return self.start(member.role, self._places[member])

    def alive(self, role: str) -> list[Member]:
        """Return the members of a role that run, by place."""
        found = (m for m in self.fleet.members if m.role == role and m.process.poll() is None)
        return sorted(found, key=self._places.__getitem__)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """Ask the database."""
        with closing(Hand(self.url)) as hand:
            return hand.execute(sql, values).fetchall()

    def say(self, sql: str, values: Sequence[object] = ()) -> None:
        with closing(Hand(self.url)) as hand:
            hand.execute(sql, values)

    def leader(self, what: str) -> Member | None:
        """Return who leads ``what``, None while nobody does."""
        found = self.rows(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND classid = hashtext(?)::oid",
            [what],
        )
        names = {name for (name,) in found}
        return next((m for m in self.fleet.members if m.name in names), None)

    def is_manned(self) -> bool:
        """Tell whether every member that runs is there: those who wait for their turn, too."""
        found = self.rows("SELECT application_name FROM pg_stat_activity")
        polling = all('"polls"' in member.said() for member in self.alive("poller"))
        return polling and all((m.name,) in found for role in ROLES for m in self.alive(role))

    def make_due(self, odd_after: float) -> dict[int, datetime]:
        """Let even feeds be due now and odd ones after so many seconds; return when each is."""
        now = clock.now()
        due = {n: now + timedelta(seconds=odd_after * (n % 2)) for n in range(FEEDS)}
        with closing(Hand(self.url)) as hand:
            for number, at in due.items():
                hand.execute(
                    "UPDATE feed SET next_due = ?, because = 'interval' WHERE id = ?",
                    [f"{at:%Y-%m-%dT%H:%M:%SZ}", f"f{number}"],
                )
        return due

    def stored(self) -> dict[str, list[str]]:
        """Return the ids of stored items by guid: one, if all is well."""
        found: dict[str, list[str]] = {}
        for key, name in self.rows("SELECT guid, id FROM item"):
            found.setdefault(key, []).append(name)
        return found

    def unfiled(self) -> int:
        return int(self.rows("SELECT count(*) FROM item WHERE filed <= 0")[0][0])

    def visits(self) -> dict[tuple[str, int], str | None]:
        """Return the outcome of each visit in the log, None of one that never ended."""
        found = self.rows("SELECT feed, number, outcome FROM visit")
        return {(feed, number): outcome for feed, number, outcome in found}

    def served(self) -> dict[str, str] | None:
        """Return the ids by title of what the first web serves as Latest; None when it does not."""
        webs = self.alive("web")
        body = webs[0].get(LATEST) if webs else None
        if body is None:
            return None
        items = json.JSONDecoder().raw_decode(body.decode())[0]["items"]
        return {item["title"]: item["id"] for item in items}

    def differing(self) -> list[str]:
        """Return the paths at which the webs do not serve the same."""
        paths = [path for (path,) in self.rows("SELECT path FROM output ORDER BY path")]
        webs = self.alive("web")
        return [path for path in paths if len({web.get(path) for web in webs}) != 1]

    def is_current(self) -> bool:
        """Tell whether everything that is listed is stored, filed and served by both webs."""
        if not self.press.listed() <= self.stored().keys() or self.unfiled():
            return False
        newest = {title(n, self.press.newest[n]) for n in range(FEEDS)}
        return newest <= (self.served() or {}).keys() and not self.differing()

    def until(self, true: Callable[[], object], seconds: float, step: float = 0.2) -> bool:
        """Wait until ``true()``, whatever errs while the server is away; tell whether it came."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(Exception):
                if true():
                    return True
            time.sleep(step)
        return False


@contextmanager
def launched(
    work: Path,
    server: Server,
    hosts: Sequence[str],
    hows: Mapping[str, dict[str, Any]] = NOTHING,
) -> Iterator[Ship]:
    """Run an installation inside, whose feeds were all visited once."""
    press, url = Press(hosts), server.new()
    with press.open():
        lines = [f"{{id: f{n}, url: '{press.url(n)}', every: 6h}}" for n in range(FEEDS)]
        ship = Ship(server, press, Fleet(work, url, lines, SERVICE), url, dict(hows))
        try:
            for number, role in enumerate(ROLES):
                ship.start(role, number % 2)
            if not ship.until(ship.is_current, 300):
                print(ship.fleet.told())
                raise SystemExit("bench.chaos: the installation does not come up")
            yield ship
        finally:
            ship.fleet.end()


def ran(*words: str) -> bool:
    """Run a command; tell whether it went well."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
