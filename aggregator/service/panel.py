"""What do ops see, and what do they have done?"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from aggregator import __version__
from aggregator.outputs.pages import status
from aggregator.service import alerts
from aggregator.service.gauges import Reading
from aggregator.service.ledger import quantiles
from aggregator.service.logs import hidden
from aggregator.service.run import Service
from aggregator.service.survey import FeedSeen, Survey, may_be_asked, surveyed
from aggregator.sources.quiet import State
from aggregator.text.urls import redacted

FRESH = 5.0  # seconds for which a look at everything holds
LOOK = 300.0  # seconds between two looks for what ops are to be told
LAG = 0.5  # seconds between two measurements of the event loop
READERS = 100  # shown

log = structlog.get_logger()


@dataclass(slots=True)
class ServicePanel:
    """Shows how ``service`` does, and does what ops ask for."""

    service: Service
    _survey: Survey | None = None
    _surveyed: float = 0.0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _said: str = ""  # of the last action, until it was read

    async def page(self, root: str) -> bytes:
        """Print the status page."""
        survey = await self._look()
        told = _told(self.service, survey, self._said)
        self._said = ""
        return await asyncio.to_thread(status.status, self.service.settings.site, told, root=root)

    async def metrics(self) -> tuple[bytes, str]:
        """Return the metrics in the text format."""
        readings = (*_of_feeds(await self._look()), *_of_service(self.service))
        return self.service.gauges.told(readings)

    async def alerts(self) -> bytes:
        """Print the feed of alerts."""
        store, site = self.service.keeper.store, self.service.settings.site
        told = await self.service.keeper.run(alerts.read, store)
        born = await self.service.keeper.run(store.outputs.born, "ops alerts", self._now())
        return alerts.feed_of(told, site, born=born)

    async def act(self, action: str, feed: str) -> bool:
        """Do what ops ask for about ``feed``; the page says what came of it."""
        if feed not in {one.id for one in self.service.settings.feeds}:
            return False
        self._said = f"{feed}: {await self._act(action, feed)}"
        log.info("asked by ops", feed=feed, action=action, outcome=self._said)
        self._survey = None
        return True

    async def keep_watching(self, stop: asyncio.Event) -> None:
        """Look now and then whether there is something that ops are to be told, until ``stop``."""
        lagging = asyncio.create_task(self._keep_measuring())
        try:
            while not stop.is_set():
                try:
                    await self.watch()
                except Exception as error:  # noqa: BLE001 - looked again at the next turn
                    log.warning("not watched", reason=str(error))
                await _until(stop, LOOK)
        finally:
            lagging.cancel()
            await asyncio.gather(lagging, return_exceptions=True)

    async def watch(self) -> None:
        """Tell ops of feeds that went from well to ill."""
        survey = await self._look()
        vitals, store = self.service.vitals, self.service.keeper.store
        told, fresh = await self.service.keeper.run(
            alerts.look, store, survey.standings(), now=survey.at, offline=vitals.is_offline()
        )
        for alert in told.alerts[:fresh]:
            log.warning("alert", feed=alert.feed, what=alert.title, hint=alert.text)

    async def _look(self) -> Survey:
        async with self._looking:
            loop = asyncio.get_running_loop()
            if self._survey is None or loop.time() - self._surveyed > FRESH:
                self._survey = await asyncio.to_thread(
                    surveyed,
                    self.service.keeper.store.reader,
                    self.service.settings,
                    paused=self.service.rounds.paused,
                    now=self._now(),
                )
                self._surveyed = loop.time()
            return self._survey

    async def _act(self, action: str, feed: str) -> str:
        if action in {"pause", "resume"}:
            await self.service.pause(feed, on=action == "pause")
            return "it is not asked until you resume it" if action == "pause" else "it is asked"
        work = self._ask_now if action == "poll" else self._accept
        return await self.service.keeper.run(work, feed)

    def _ask_now(self, feed: str) -> str:
        store, now = self.service.keeper.store, self._now()
        state = store.feeds.state(feed)
        if state.gone:
            return "its publisher says it is no more"
        if (free := may_be_asked(state, now)) is not None:
            return f"its publisher is not to be asked before {free:%H:%M:%S}Z"
        if state.next_due > now:
            store.feeds.save(replace(state, next_due=now, because="asked-by-ops", usual_due=None))
        return "it is asked at the next tick"

    def _accept(self, feed: str) -> str:
        store = self.service.keeper.store
        state = store.feeds.state(feed)
        if state.move is None:
            return "it does not move"
        store.feeds.save(replace(state, moved_to=state.move.to, move=None))
        return f"it is asked at {state.move.to}; write that into feeds.yaml, with the id {feed}"

    def _now(self) -> datetime:
        return self.service.clock()

    async def _keep_measuring(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(LAG)
            self.service.gauges.late(loop.time() - begun - LAG)


async def _until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _told(service: Service, survey: Survey, said: str) -> status.StatusTold:
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
        last=(last.at.isoformat(), f"{_ago(now - last.at)} ago, {last.outcome or 'under way'}")
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
    return at.isoformat(), f"in {_ago(at - now)}" if at > now else "now"


def _ago(span: timedelta) -> str:
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


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
            yield name, f"median {_ago(found[0])}, 99 % within {_ago(found[1])}"
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
    for group, held in asdict(service.settings.service).items():
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


def _of_feeds(survey: Survey) -> Iterator[Reading]:
    states = survey.states()
    yield Reading(
        name="feeds",
        help="Feeds by how they do",
        label="state",
        values=tuple((str(state), float(states[state])) for state in State),
    )
    scores = [seen.report.politeness for seen in survey.feeds]
    points = [score.points for score in scores if score.visits]
    if points:
        yield _plain("politeness_min", "The worst politeness score, of 100", min(points))
    yield _plain("items_stored", "Items in the database", survey.items)
    yield _plain("stories_open", "Stories with a report of the last day", survey.stories)
    due = [seen.report.next for seen in survey.feeds if seen.report.next]
    overdue = max((survey.at - at for at in due), default=timedelta())
    late = max(overdue.total_seconds(), 0.0)
    yield _plain("overdue_seconds", "How long the longest overdue feed has waited", late)
    good = [seen.state.succeeded_at for seen in survey.feeds if seen.state]
    last = max((at for at in good if at), default=None)
    if last is not None:
        age = (survey.at - last).total_seconds()
        yield _plain("last_good_visit_age_seconds", "Since a feed was read last", max(age, 0.0))


def _of_service(service: Service) -> Iterator[Reading]:
    vitals = service.vitals
    health = vitals.health()
    yield _plain("healthy", "1 when /healthz is green", float(health.ok))
    yield _plain("faults", "What ails the service", len(health.because))
    faults = len(vitals.edit.faults) if vitals.edit else 0
    yield _plain("settings_faults", "Mistakes of the last edit; what was good holds", faults)
    yield Reading(
        name="settings_edits",
        help="Edits since the start",
        label="outcome",
        values=tuple((name, float(vitals.edits[name])) for name in ("taken over", "refused")),
    )
    answers = service.front.answers.items()
    yield Reading(
        name="answers",
        help="Answers since the start, by status",
        label="status",
        values=tuple((str(status), float(count)) for status, count in sorted(answers)),
    )
    yield _plain("visits_under_way", "Visits under way", len(service.rounds.flying()))


def _plain(name: str, told: str, value: float) -> Reading:
    return Reading(name=name, help=told, values=(("", float(value)),))
