"""Does any answer do us harm? ``python -m bench.fuzz [--count N] [--seed N]``.

Asks a publisher, which runs in a process of its own, for 10,000 answers of tests/fuzzed.py, reads
in parse workers what comes back, cancels some visits under way, and sends others to name servers
that never answer. Printed: outcomes by kind, what escaped, tasks left over, and descriptors and
memory before and after. Exit status 1 when anything escaped, is stuck, or grew.
"""

import argparse
import asyncio
import gc
import random
import resource
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.model.visits import Failed, Fetched, Refused
from aggregator.service.workers import MIB, ParseWorkers
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.lookup import Lookup
from aggregator.sources.policy import FetchPolicy
from tests.fuzzed import fuzzed
from tests.origin import Origin, Reply

AT_ONCE = 20
ROUND = 500  # visits between two looks
WARM = 1_000
CANCELLED, TARPIT = 0.05, 0.01  # shares of the visits
MEMORY = 16 * MIB  # that may have grown: fragments
DESCRIPTORS = 4
POLICY = FetchPolicy(
    user_agent="aggregator/fuzz",
    total_seconds=8,
    connect_seconds=4,
    pace_seconds=2,
    allow_private=("127.0.0.0/8",),
)


@dataclass(slots=True)
class Run:
    """The visits: who makes them, and what became of them."""

    fetcher: Fetcher
    workers: ParseWorkers
    port: int
    outcomes: Counter[str] = field(default_factory=Counter)
    escaped: list[str] = field(default_factory=list)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def visit(self, number: int, chance: float) -> None:
        """Visit once, and count how it ended. ``chance`` (0 to 1) says what goes wrong."""
        host = f"tar{number % 7}.test" if chance < TARPIT else "127.0.0.1"
        async with self.gate:
            asking = asyncio.create_task(self._ask(f"http://{host}:{self.port}/{number}"))
            if 1 - chance < CANCELLED:
                await asyncio.sleep((1 - chance) / CANCELLED * 0.02)
                asking.cancel()
            try:
                self.outcomes[await asking] += 1
            except asyncio.CancelledError:
                self.outcomes["cancelled"] += 1
            except Exception as error:  # noqa: BLE001 - this is what we are looking for
                self.escaped.append(f"{number}: {type(error).__name__}: {error}")

    async def _ask(self, url: str) -> str:
        found = await self.fetcher.fetch(Ask(url=url))
        if isinstance(found, Fetched):
            document = await self.workers.parse(found.body, found.content_type, found.url)
            return f"fetched, {type(document).__name__.lower()}"
        if isinstance(found, Failed | Refused) and found.reason.startswith("unexpected"):
            self.escaped.append(f"{url}: {found.reason}")
        return type(found).__name__.lower()


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("--count", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.publish:
        publish(options.seed)
        return 0
    command = [sys.executable, "-m", "bench.fuzz", "--publish", "--seed", str(options.seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as publisher:
        assert publisher.stdout is not None
        port = int(publisher.stdout.readline())
        try:
            return asyncio.run(visit_all(port, options.count, random.Random(options.seed)))
        finally:
            publisher.communicate()  # it ends with its input


def publish(seed: int) -> None:
    """Answer each path by itself, until the input ends."""

    def otherwise(path: str) -> Reply:
        return fuzzed(random.Random(f"{seed} {path}"))

    origin = Origin(otherwise=otherwise)
    origin.start()
    print(origin.port, flush=True)
    sys.stdin.read()
    origin.stop()


async def visit_all(port: int, count: int, dice: random.Random) -> int:
    released = threading.Event()
    with closing(ParseWorkers(workers=2, seconds=10)) as workers:
        run = Run(Fetcher(POLICY, resolve=Lookup(tarpit(released))), workers, port)
        before = (0, 0)
        for start in range(0, count, ROUND):
            numbers = range(start, min(count, start + ROUND))
            await asyncio.gather(*(run.visit(number, dice.random()) for number in numbers))
            if start < WARM:  # by now everything is loaded, and caches are full
                before = held()
        after = held()
        stuck = len(asyncio.all_tasks()) - 1
    released.set()
    return report(run, count, stuck, before, after)


def tarpit(released: threading.Event) -> Callable[[str, int], Sequence[str]]:
    def ask(host: str, port: int) -> Sequence[str]:
        released.wait()
        raise socket.gaierror(socket.EAI_AGAIN, f"{host}:{port}")

    return ask


def held() -> tuple[int, int]:
    """Return the open descriptors and the resident memory (bytes) of this process."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return len(list(Path("/proc/self/fd").iterdir())), resident


def report(
    run: Run, count: int, stuck: int, before: tuple[int, int], after: tuple[int, int]
) -> int:
    told = ", ".join(f"{times} {kind}" for kind, times in run.outcomes.most_common())
    print(f"fuzz: {count} answers: {told}")
    print(f"fuzz: {len(run.escaped)} escaped, {stuck} tasks stuck")
    print(f"fuzz: descriptors {before[0]} before, {after[0]} after {count} answers")
    print(f"fuzz: memory {before[1] // MIB} MiB before, {after[1] // MIB} MiB after")
    for line in run.escaped[:20]:
        print(f"  {line}")
    grew = after[0] > before[0] + DESCRIPTORS or after[1] > before[1] + MEMORY
    whole = sum(run.outcomes.values()) == count
    return 1 if run.escaped or stuck or grew or not whole else 0


if __name__ == "__main__":
    sys.exit(main())
