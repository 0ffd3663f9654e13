"""What the tests of publishing share: a desk that is told which item reports which story.

Outputs are read as a subscriber reads them, from the bytes that are served.
"""

import json
from datetime import datetime
from typing import Any

from aggregator.model.editions import Rendered
from aggregator.model.stories import TopicScore, Voice
from aggregator.service.desk import Desk
from aggregator.service.publish import Publisher
from aggregator.settings import Settings
from aggregator.storage import Store
from aggregator.storage.protocol import Filing
from tests.service.stage import HOUR, NOW, bring, entry


def publisher(store: Store, settings: Settings) -> Publisher:
    return Desk.over(store, settings).publisher


def tell(
    store: Store,
    feed: str,
    number: int,
    *,
    story: str,
    title: str = "",
    merged: tuple[str, ...] = (),
    topics: tuple[str, ...] = (),
    now: datetime = NOW,
    **wishes: Any,
) -> str:
    """Let ``feed`` report ``story``: take one item in, and file it. Returns its id.

    The same ``number`` again revises the item, and returns nothing.
    """
    at = now - HOUR / 2
    one = entry(feed, number, title or f"{feed} tells {number}", published=at, **wishes)
    new = bring(store, feed, [one], now=now)
    if not new:
        return ""
    (item,) = new
    assign(store, item, story=story, merged=merged, topics=topics)
    return item


def assign(
    store: Store,
    item: str,
    *,
    story: str,
    merged: tuple[str, ...] = (),
    topics: tuple[str, ...] = (),
) -> None:
    """File an item that was taken in, as a report of ``story``."""
    stored = store.items.by_id([item])[item]
    feed, at = stored.item.feed, stored.item.published
    store.items.file(
        Filing(
            seq=stored.seq,
            id=item,
            copy=None,
            story=story,
            story_because="joined",
            merged=merged,
            topics=tuple(TopicScore(topic=slug, score=1.0, because="feed") for slug in topics),
            voice=Voice(owner=feed, weight=1.0, first=at, last=at),
            trace="{}",
        )
    )


def served(store: Store) -> dict[str, Rendered]:
    return {rendered.path: rendered for rendered in store.outputs.all()}


def entries(store: Store, name: str) -> list[dict[str, Any]]:
    """Return the entries of an output as it is served."""
    found = store.outputs.get(f"feeds/{name}.json")
    assert found is not None
    items: list[dict[str, Any]] = json.loads(found.body)["items"]
    return items


def others(one: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who else reports an entry."""
    reports: list[dict[str, Any]] = one.get("_also", {}).get("reports", [])
    return reports


def ids(store: Store, name: str) -> list[str]:
    return [one["id"] for one in entries(store, name)]
