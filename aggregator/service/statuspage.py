"""What does the status page tell, in words?"""

from collections.abc import Iterator
from datetime import datetime

from aggregator import __version__
from aggregator.outputs.pages import status
from aggregator.outputs.wording import ago
from aggregator.service.ledger import quantiles
from aggregator.service.logs import hidden
from aggregator.service.run import Service
from aggregator.service.survey import FeedSeen, Survey
from aggregator.sources.quiet import State
from aggregator.text.urls import redacted

READERS = 100  # shown


def told_of(service: Service, survey: Survey, said: str) -> status.StatusTold:
    """Return everything that the page shows; ``said`` is what came of the last action."""
    health, edit = service.vitals.health(), service.vitals.edit
    return status.StatusTold(
        at=f"{survey.at:%Y-%m-%d %H:%M:%S}Z",
        version=__version__,
        ok=health.ok,
        ailments=tuple(map(hidden, health.because)),
        notes=tuple(map(hidden, health.notes)),
        slips=tuple(map(hidden, edit.faults)) if edit else (),
        said=hidden(said),
        counts=tuple((str(word), count) for word, count in survey.states().most_common()),
        figures=status.figures(tuple(_figures(service, survey))),
        feeds=tuple(_row(seen, survey.at) for seen in sorted(survey.feeds, key=_worst_first)),
        readers=tuple(_readers(service))[:READERS],
        settings=tuple(_settings(service)),
    )


def _worst_first(seen: FeedSeen) -> tuple[bool, str]:
    return not seen.standing.grave, (seen.feed.title or seen.feed.id).lower()


def _row(seen: FeedSeen, now: datetime) -> status.FeedRow:
    one, standing, state = seen.report, seen.standing, seen.state
    known = state.title if state else None
    last = one.last
    paused = standing.state is State.PAUSED
    actions = ["resume" if paused else "pause"] if seen.feed.enabled else []
    if seen.feed.enabled and not paused and state is not None and not state.gone:
        actions.insert(0, "poll")
    if state is not None and state.move is not None:
        actions.append("accept")
    return status.FeedRow(
        id=seen.feed.id,
        title=seen.feed.title or known or seen.feed.id,
        url=hidden(redacted(one.url)),
        state=standing.state,
        grave=standing.grave,
        since=f"{standing.since:%Y-%m-%d %H:%M}Z" if standing.since else "",
        because=hidden(standing.because or one.error or ""),
        last=(last.at.isoformat(), f"{ago(now - last.at)} ago, {last.outcome or 'under way'}")
        if last
        else ("", ""),
        next=_next(one.next, now) if not paused else ("", "when resumed"),
        rule=one.because if one.next else "",
        polite=one.politeness.points if one.politeness.visits else None,
        faults=one.politeness.faults,
        per_day=seen.items / 7,
        copies=100 * seen.copies // seen.items if seen.items else 0,
        hours=state.rhythm.hours if state and state.rhythm else (),
        actions=tuple(actions),
    )


def _next(at: datetime | None, now: datetime) -> tuple[str, str]:
    if at is None:
        return "", "never"
    return at.isoformat(), f"in {ago(at - now)}" if at > now else "now"


def _figures(service: Service, survey: Survey) -> Iterator[tuple[str, object]]:
    yield "Items stored", survey.items
    yield "Stories of the last day", survey.stories
    yield "Owners who report them", survey.voices
    yield "Visits under way", len(service.rounds.flying())
    delays = tuple(service.window.ledger.delays)
    legs = {
        "From publication to our visit": [d.fetched for d in delays if d.fetched is not None],
        "From our visit to readers": [delay.served for delay in delays],
    }
    for name, spans in legs.items():
        if found := quantiles(spans):
            yield name, f"median {ago(found[0])}, 99 % within {ago(found[1])}"
    yield "Edits taken over", service.vitals.edits["taken over"]
    yield "Edits refused", service.vitals.edits["refused"]


def _readers(service: Service) -> Iterator[status.ReaderRow]:
    for path, readers in service.front.audience.feeds():
        for name, one in sorted(readers.items(), key=lambda pair: -pair[1].asked):
            yield status.ReaderRow(
                feed=path.removeprefix("feeds/"),
                program=hidden(name),
                asked=one.asked,
                unchanged=one.unchanged,
                subscribers=one.subscribers,
            )


def _settings(service: Service) -> Iterator[tuple[str, str]]:
    """Yield the settings in force, without what is secret."""
    for group, held in service.settings.service.model_dump().items():
        for key, value in held.items() if isinstance(held, dict) else [("", held)]:
            name = f"{group}.{key}".rstrip(".")
            if key == "token":
                yield name, "set" if value else "none"
            else:
                yield name, hidden(redacted(_shown(value)))
    site = service.settings.site
    yield "site.base_url", site.base_url
    yield "site.contact", site.contact or "none"


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
