"""How does everything do, at one moment?"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from datetime import datetime, timedelta

from msgspec import Struct

from aggregator.model.feeds import Feed, FeedState
from aggregator.service.again import RETRY
from aggregator.service.building import cadence
from aggregator.settings import Settings
from aggregator.sources.quiet import Standing, State, standing
from aggregator.sources.report import Report, report
from aggregator.storage import Store

WEEK = timedelta(days=7)


class FeedSeen(Struct, frozen=True, kw_only=True):
    """One feed at a glance; ``items`` and ``copies`` are those of a week."""

    feed: Feed
    state: FeedState | None
    report: Report
    standing: Standing
    items: int = 0
    copies: int = 0


class Survey(Struct, frozen=True, kw_only=True):
    """All feeds at ``at``, and how much is stored; ``stories`` are those with a report of today."""

    at: datetime
    feeds: tuple[FeedSeen, ...]
    items: int
    stories: int
    voices: int

    def states(self) -> Counter[State]:
        """Count feeds by how they do."""
        return Counter(seen.standing.state for seen in self.feeds)

    def standings(self) -> Mapping[str, Standing]:
        """Return how each feed does, by id."""
        return {seen.feed.id: seen.standing for seen in self.feeds}


def surveyed(
    reader: Callable[[], Store], settings: Settings, *, paused: Collection[str], now: datetime
) -> Survey:
    """Look at everything, through a connection that is opened for it: nobody waits for this."""
    usual = cadence(settings)
    with closing(reader()) as store:
        states = {state.feed: state for state in store.feeds.states()}
        visits, tally = store.visits.all(), store.items.tally(now - WEEK)
        facts = store.stories.facts(now - timedelta(days=1))
        items = store.items.count()
    seen = []
    for feed in settings.feeds:
        state = states.get(feed.id)
        found = standing(state, now=now, usual=usual.interval)
        if not feed.enabled:
            found = Standing(state=State.OFF)
        elif feed.id in paused:
            found = Standing(state=State.PAUSED)
        brought, copies = tally.get(feed.id, (0, 0))
        seen.append(
            FeedSeen(
                feed=feed,
                state=state,
                report=report(feed, state, visits.get(feed.id, ()), cadence=usual),
                standing=found,
                items=brought,
                copies=copies,
            )
        )
    voices = sum(len(fact.voices) for fact in facts)
    return Survey(at=now, feeds=tuple(seen), items=items, stories=len(facts), voices=voices)


def may_be_asked(state: FeedState, now: datetime) -> datetime | None:
    """Return from when ops may have a feed asked, None for now: manners hold for them, too."""
    at = [state.not_before] if state.not_before else []
    at += [state.attempted_at + RETRY] if state.attempted_at else []
    if state.because == "host-quiet":
        at.append(state.next_due)
    free = max(at, default=now)
    return free if free > now else None
