"""What goes, because it is too old or too much?

In small steps, between which whoever waits for the store has a turn.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model.editions import Kind
from aggregator.service.keeper import Keeper
from aggregator.settings import Settings

PRUNED_AT_ONCE = 500
REMEMBERED = timedelta(days=14)  # what stories without items and their stays are kept for


class Pruned(Struct, frozen=True, kw_only=True):
    """How much went: items, ids of items that went long ago, issues of digests."""

    items: int
    names: int
    issues: int


async def keep_house(keeper: Keeper, settings: Settings, now: datetime) -> Pruned:
    """Let go what ops want kept no longer, and have the store put itself in order.

    Raises `StoreError`; what went until then is gone.
    """
    store, retention = keeper.store, settings.service.retention
    items = sum([some async for some in _items(keeper, settings, now)])
    start: int | None = 0
    while start is not None:
        start = await keeper.run(store.items.sweep, now - retention.items, start)
    names = 0
    for feed in await keeper.run(store.feeds.configured):
        names += await keeper.run(store.items.forget_names, feed, now - retention.names)
    listed = {spec.name: spec.limit + 1 for spec in settings.outputs if spec.kind is Kind.DIGEST}
    issues = await keeper.run(store.outputs.forget_issues, now - retention.issues, listed)
    await keeper.run(store.outputs.forget_retired, now - retention.gone)
    await keeper.run(store.tidy, now - REMEMBERED)
    return Pruned(items=items, names=names, issues=issues)


async def _items(keeper: Keeper, settings: Settings, now: datetime) -> AsyncIterator[int]:
    """Let items go by age, then by the age and number that each feed has of its own."""
    shelf, retention = keeper.store.items, settings.service.retention
    while some := await keeper.run(shelf.prune, now - retention.items, PRUNED_AT_ONCE):
        yield some
    for feed in settings.feeds:
        before = None if feed.keep is None else now - feed.keep
        most = feed.keep_items or retention.per_feed
        while some := await keeper.run(
            shelf.prune_of, feed.id, PRUNED_AT_ONCE, before=before, most=most
        ):
            yield some
