"""Does a fleet keep its promises whatever happens to its members?

``python -m bench.chaos [kind …] --rounds 20`` runs two of each role over a PostgreSQL server and
24 made feeds that print an entry in every round, strikes in mid-work, and counts after each round:
is anything lost or doubled that publishers list, has any id changed, was every feed asked within a
minute of its due time and never early, do both webs serve the same bytes? Exits 1 if not.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.chaos import clocks
from bench.chaos.faults import (
    Cut,
    Fault,
    KilledLeaders,
    KilledOrganiser,
    KilledPoller,
    Restarted,
    WrongClocks,
)
from bench.chaos.rounds import Tally, weather
from bench.chaos.ship import launched
from tests.postgres import NoServerError, Server

KINDS = ("poller", "organiser", "leader", "restart", "network", "clocks")
DURABLE: tuple[str, ...] = ()  # PostgreSQL's own settings


def main() -> int:
    """Run the kinds that were asked for; print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos")
    parser.add_argument("kinds", nargs="*", choices=(*KINDS, []), default=[])
    parser.add_argument("--rounds", type=int, default=20, help="faults that come in mid-work")
    parser.add_argument("--keep", type=Path, help="folder for the members' logs")
    asked = parser.parse_args()
    good = True
    print(Tally.head())
    for kind in asked.kinds or KINDS:
        tally = _try(kind, asked.rounds, asked.keep)
        if tally is not None:
            print(tally.line(kind), flush=True)
            good &= tally.is_good()
    return 0 if good else 1


def _try(kind: str, rounds: int, keep: Path | None) -> Tally | None:
    try:
        server = Server.begin(options=DURABLE)
    except NoServerError as error:
        print(f"bench.chaos: no PostgreSQL server ({error}); nothing tried")
        return None
    try:
        with (
            tempfile.TemporaryDirectory(prefix="chaos-") as held,
            _made(kind, Path(held), server) as fault,
        ):
            if fault is None:
                return None
            with launched(Path(held), server, fault.hosts, fault.hows) as ship:
                tally = weather(ship, fault, rounds)
            if keep is not None:
                shutil.copytree(held, keep / kind, dirs_exist_ok=True)
            return tally
    finally:
        server.end()


@contextmanager
def _made(kind: str, work: Path, server: Server) -> Iterator[Fault | None]:
    match kind:
        case "poller":
            yield KilledPoller()
        case "organiser":
            yield KilledOrganiser()
        case "leader":
            yield KilledLeaders()
        case "restart":
            yield Restarted()
        case "network":
            cut = Cut()
            with cut.laid(server) as went:
                if not went:
                    print("network: no network namespaces here; left out")
                yield cut if went else None
        case _:
            shim = clocks.shim(work)
            if shim is None:
                print("clocks: no C compiler here; left out")
            yield WrongClocks(work, shim) if shim else None


if __name__ == "__main__":
    sys.exit(main())
