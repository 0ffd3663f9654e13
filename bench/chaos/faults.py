"""What is done to an installation, and was that really in the middle of its work?"""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bench.chaos import clocks
from bench.chaos.press import EACH, FEEDS
from bench.chaos.ship import Ship, ran
from tests.fleet import Member
from tests.postgres import Server

AWAY = 30.0  # seconds for which the network is cut
APART = 300  # seconds by which clocks are wrong


class Fault(Protocol):
    """Strikes once a round. Publishers take ``slow`` seconds then, and every other feed is due

    ``odd_after`` seconds after the rest. ``hows`` says how members are started for it.
    """

    slow: float
    odd_after: float
    hosts: Sequence[str]
    hows: dict[str, dict[str, Any]]

    def strike(self, ship: Ship, number: int) -> bool:
        """Do it; tell whether it came in the middle of something."""
        ...


def loopback() -> list[str]:
    return [f"127.0.3.{1 + host}" for host in range(FEEDS // EACH)]


def _await_calls(ship: Ship, least: int, peer: str = "") -> bool:
    """Wait until so many requests wait for their answers."""
    return ship.until(
        lambda: sum(call.peer.startswith(peer) for call in ship.press.waiting) >= least, 20, 0.01
    )


@dataclass
class KilledPoller:
    """A poller that is on several beats is killed."""

    slow: float = 2.0
    odd_after: float = 2.0
    hosts: Sequence[str] = field(default_factory=loopback)
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def strike(self, ship: Ship, number: int) -> bool:  # noqa: ARG002 - every round alike
        _await_calls(ship, 4)
        under_way = list(ship.press.waiting)
        poller = max(ship.alive("poller"), key=lambda one: _open(one, ship.press.port))
        poller.kill()
        time.sleep(0.1)
        ship.replace(poller)
        ship.until(lambda: not any(call in ship.press.waiting for call in under_way), 5, 0.05)
        return any(call.cut for call in under_way)


def _open(member: Member, port: int) -> int:
    """Return how many connections to ``port`` a member has."""
    sockets = set()
    for each in Path(f"/proc/{member.process.pid}/fd").iterdir():
        with suppress(OSError):
            sockets.add(str(each.readlink()).removeprefix("socket:[").removesuffix("]"))
    lines = Path(f"/proc/{member.process.pid}/net/tcp").read_text("ascii").splitlines()[1:]
    ends = ((fields[2].partition(":")[2], fields[9]) for fields in map(str.split, lines))
    return sum(int(remote, 16) == port and inode in sockets for remote, inode in ends)


@dataclass
class KilledOrganiser:
    """The desk's leader is killed in a transaction: of filing or of publishing, in turn.

    A lock by hand keeps it in there for a moment, so that the kill does not come too late.
    """

    slow: float = 0.0
    odd_after: float = 1.0
    hosts: Sequence[str] = field(default_factory=loopback)
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def strike(self, ship: Ship, number: int) -> bool:
        table = ("story", "output", "story_voice", "listing")[number % 4]
        held: list[Member] = []
        with psycopg.connect(ship.url) as db:
            db.execute(f"LOCK TABLE {table} IN SHARE MODE")
            ship.until(lambda: _held_up(ship, "organiser"), 20, 0.02)
            held += _held_up(ship, "organiser")  # it stays there until we let go
            for leader in held:
                leader.kill()
        for leader in held:
            ship.replace(leader)
        return bool(held)


def _held_up(ship: Ship, role: str) -> list[Member]:
    """Return the members whose transactions have written something and wait for a table."""
    rows = ship.rows(
        "SELECT application_name FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
        " AND wait_event = 'relation' AND application_name LIKE ?",
        [f"{role}%"],
    )
    return [member for member in ship.alive(role) if (member.name,) in rows]


@dataclass
class KilledLeaders:
    """Both who lead, of the schedule and of the desk, are killed at once while visits go on."""

    slow: float = 2.0
    odd_after: float = 3.0
    hosts: Sequence[str] = field(default_factory=loopback)
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def strike(self, ship: Ship, number: int) -> bool:  # noqa: ARG002 - every round alike
        busy = _await_calls(ship, 2)
        leaders = [one for what in ("schedule", "desk") if (one := ship.leader(what))]
        for leader in leaders:
            leader.process.kill()
        for leader in leaders:
            leader.kill()
            ship.replace(leader)
        return busy and len(leaders) == 2


@dataclass
class Restarted:
    """The server ends as in a power cut, and comes back at once or after some seconds."""

    slow: float = 2.0
    odd_after: float = 2.0
    hosts: Sequence[str] = field(default_factory=loopback)
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def strike(self, ship: Ship, number: int) -> bool:
        busy = _await_calls(ship, 3)
        ship.server.stop(signal.SIGQUIT)
        time.sleep((0, 1, 3, 20)[number % 4])
        ship.server.start()
        return busy


@dataclass
class Cut:
    """A poller on a network of its own cannot reach the database for half a minute."""

    slow: float = 2.0
    odd_after: float = 10.0
    hosts: Sequence[str] = field(
        default_factory=lambda: [f"10.77.2.{10 + host}" for host in range(FEEDS // EACH)]
    )
    hows: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "poller-0": {
                "within": ("ip", "netns", "exec", "chaos"),
                "url": "postgresql://wire@10.77.1.1/{name}?sslmode=disable",
            }
        }
    )

    def strike(self, ship: Ship, number: int) -> bool:
        busy = _await_calls(ship, 1, peer="10.77.2.2")
        links = (("-n", "chaos", "link", "set", "ca1"), ("link", "set", "ca0"))
        link = links[number % 2]  # the poller is told that its link is down, or just not heard
        ran("ip", *link, "down")
        time.sleep(AWAY)
        ran("ip", *link, "up")
        return busy

    @contextmanager
    def laid(self, server: Server) -> Iterator[bool]:
        """Lay one cable to the database and one to the publishers; yield whether that went."""
        lines = [
            "netns add chaos",
            "link add ca0 type veth peer name ca1 netns chaos",
            "link add cb0 type veth peer name cb1 netns chaos",
            "addr add 10.77.1.1/24 dev ca0",
            "addr add 10.77.2.1/24 dev cb0",
            *(f"addr add {host}/24 dev cb0" for host in self.hosts),
            *("link set ca0 up", "link set cb0 up", "-n chaos link set lo up"),
            *("-n chaos addr add 10.77.1.2/24 dev ca1", "-n chaos addr add 10.77.2.2/24 dev cb1"),
            *("-n chaos link set ca1 up", "-n chaos link set cb1 up"),
        ]
        try:
            if not all(ran("ip", *line.split()) for line in lines):
                yield False
                return
            with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 10.77.1.0/24 trust\n")
            server.stop()
            server.options = (*server.options, "-c", "listen_addresses=10.77.1.1")
            server.start()
            yield True
        finally:
            ran("ip", "netns", "del", "chaos")
            for link in ("ca0", "cb0"):
                ran("ip", "link", "del", link)


@dataclass
class WrongClocks:
    """Of each role one is five minutes ahead and one behind; they change places in mid-round."""

    work: Path
    shim: Path
    slow: float = 2.0
    odd_after: float = 15.0
    hosts: Sequence[str] = field(default_factory=loopback)
    hows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._set(0)
        for role in ("scheduler", "organiser", "poller", "web"):
            for place in (0, 1):
                env = clocks.environment(self.shim, self.work / f"clock-{place}")
                self.hows[f"{role}-{place}"] = {"env": env}

    def strike(self, ship: Ship, number: int) -> bool:
        busy = _await_calls(ship, 4)
        self._set(number + 1)
        return busy

    def _set(self, number: int) -> None:
        for place in (0, 1):
            ahead = (number + place) % 2
            clocks.set_by(self.work / f"clock-{place}", APART if ahead else -APART)
