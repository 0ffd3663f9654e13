"""Fetches addresses one after another; tells what came of each and what it cost in memory.

``python -m tests.fetching URL…``, in a process of its own, so that nothing else counts.
"""

import asyncio
import json
import resource
import sys
from typing import Any

from aggregator.model.visits import Failed, Refused
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.policy import FetchPolicy

POLICY = FetchPolicy(
    user_agent="test",
    total_seconds=30,
    pace_seconds=0.5,
    allow_private=("127.0.0.0/8",),
)


async def fetch(urls: list[str]) -> dict[str, Any]:
    """The first address is fetched before anything is measured."""
    fetcher = Fetcher(POLICY)
    await fetcher.fetch(Ask(url=urls[0]))
    before, told = peak(), []
    for url in urls[1:]:
        found = await fetcher.fetch(Ask(url=url))
        told.append(found.reason if isinstance(found, Failed | Refused) else "taken")
    return {"told": told, "grew": peak() - before}


def peak() -> int:
    """Return the most memory (bytes) that was resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fetch(sys.argv[1:]))))
