"""What would the settings do, as they are now, to what is stored?

Tried on a copy of the store that is thrown away: nobody is asked, and nothing changes that counts.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import Format, OutputSpec
from aggregator.model.feeds import Feed, FeedState
from aggregator.outputs import addresses
from aggregator.service.desk import Desk
from aggregator.service.house import settled
from aggregator.settings import Settings
from aggregator.storage import Store

RECENT = timedelta(days=14)
SHARED = 0.8  # of the addresses of the one with fewer, for two feeds to be one
LEAST = 5  # addresses, to say so


class Headlines(Struct, frozen=True, kw_only=True):
    """What an output would gain and lose against what is served now, in its order."""

    output: str
    gains: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


class Forecast(Struct, frozen=True, kw_only=True):
    """What the settings come to. Feeds by id; ``twins`` with the reason to take them for one."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    readdressed: tuple[str, ...]
    twins: tuple[tuple[str, str, str], ...]
    outputs: tuple[Headlines, ...]

    def __bool__(self) -> bool:
        feeds = self.added or self.removed or self.readdressed or self.twins
        return bool(feeds) or any(one.gains or one.losses for one in self.outputs)


def forecast(store: Store, settings: Settings, *, now: datetime) -> Forecast:
    """Try ``settings`` out on ``store``, which has to be a copy; say what came of it."""
    before = {i: feed for i, feed in store.feeds.configured().items() if feed.enabled}
    asked = {feed.id: feed for feed in settings.feeds if feed.enabled}
    states = {state.feed: state for state in store.feeds.states()}
    served = _served(store)
    settings = replace(settings, site=settled(settings.site, store))
    store.feeds.configure(settings.feeds, now=now)
    Desk.over(store, settings).bring_out(now)
    return Forecast(
        added=tuple(name for name in asked if name not in before),
        removed=tuple(name for name in before if name not in asked),
        readdressed=tuple(i for i in asked if i in before and asked[i].url != before[i].url),
        twins=tuple(_twins(asked, states, _addresses(store, asked, now))),
        outputs=tuple(_compared(settings.outputs, served, _served(store))),
    )


def _served(store: Store) -> Mapping[str, Mapping[str, str]]:
    """Return the headlines of each output, by its path and the entry's id."""
    ending = f".{Format.JSON}"
    return {
        one.path: {entry["id"]: entry.get("title", "") for entry in json.loads(one.body)["items"]}
        for one in store.outputs.all()
        if one.path.startswith("feeds/") and one.path.endswith(ending)
    }


def _compared(
    specs: Iterable[OutputSpec],
    before: Mapping[str, Mapping[str, str]],
    after: Mapping[str, Mapping[str, str]],
) -> Iterator[Headlines]:
    names = {addresses.path(spec, Format.JSON): spec.name for spec in specs}
    for path in sorted({*before, *after}):
        held, found = before.get(path, {}), after.get(path, {})
        yield Headlines(
            output=names.get(path, f"{path} (gone)"),
            gains=tuple(title for name, title in found.items() if name not in held),
            losses=tuple(title for name, title in held.items() if name not in found),
        )


def _addresses(store: Store, asked: Mapping[str, Feed], now: datetime) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for stored in store.items.all():
        item = stored.item
        if item.feed in asked and item.entry.canonical and now - item.first_seen < RECENT:
            found[item.feed].add(item.entry.canonical)
    return found


def _twins(
    asked: Mapping[str, Feed], states: Mapping[str, FeedState], told: Mapping[str, set[str]]
) -> Iterator[tuple[str, str, str]]:
    """Yield feeds that are asked at one address, or list the same articles."""
    ends: dict[str, str] = {}
    for name, feed in asked.items():
        state = states.get(name)
        end = (state.moved_to if state and state.url == feed.url else None) or feed.url
        if (other := ends.setdefault(end, name)) != name:
            yield other, name, f"both are asked at {end}"
    for one, other in combinations(sorted(told), 2):
        fewer = min(len(told[one]), len(told[other]))
        both = len(told[one] & told[other])
        if fewer >= LEAST and both >= SHARED * fewer:
            yield one, other, f"{both} of {fewer} articles of the last two weeks are the same"
