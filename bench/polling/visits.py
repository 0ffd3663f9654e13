"""The part of `aggregator poll` that peers have too: every feed that is due is visited."""

import asyncio
from datetime import timedelta
from pathlib import Path

from aggregator.service import clock
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller, visit_all
from aggregator.service.workers import ParseWorkers
from aggregator.settings import Settings, load
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Courtesy, Manners
from aggregator.sources.policy import FetchPolicy
from aggregator.sources.schedule import Cadence
from aggregator.storage import open_store


def poll(folder: Path) -> int:
    """Visit what is due; return how many visits failed."""
    return asyncio.run(_poll(folder))


async def _poll(folder: Path) -> int:
    settings = load(feeds=folder / "feeds.yaml", config=folder / "config", environ={})
    keeper = Keeper(open_store("sqlite:///aggregator.sqlite3", root=folder))
    workers = ParseWorkers()
    try:
        return await _visits(settings, keeper, workers)
    finally:
        workers.close()
        await keeper.close()


async def _visits(settings: Settings, keeper: Keeper, workers: ParseWorkers) -> int:
    policy = FetchPolicy(user_agent="aggregator", allow_private=("127.0.0.0/8",))
    courtesy = Courtesy(spacing=timedelta(), all_at_once=20, starts_a_second=1000)
    poller = Poller(
        keeper=keeper,
        fetcher=Fetcher(policy, clock=clock.exact),
        workers=workers,
        manners=Manners(courtesy, clock=clock.exact),
        cadence=Cadence(),
        most=1000,
        clock=clock.now,
    )
    now, store = clock.now(), keeper.store
    await keeper.run(store.feeds.configure, settings.feeds, now=now)
    feeds = {feed.id: feed for feed in settings.feeds}
    due = await keeper.run(store.feeds.due, now, len(feeds))
    asked = ((feeds[state.feed], state) for state in due)
    return sum([v.reason is not None async for v in visit_all(poller, asked, stop=asyncio.Event())])
