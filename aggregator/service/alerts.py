"""What are ops told of by themselves, and how often?

Of a feed that went from well to ill, or from one ailment to another, once; and of no feed twice a
day. Kept as a note in the store, so that a restart tells nothing again.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import asdict, replace

from aggregator.model.editions import Edition, EditionEntry, Format, Kind, OutputSpec, Site
from aggregator.outputs import documents
from aggregator.sources.quiet import Standing, State
from aggregator.storage import Store

NOTE = "alerts"
OUTPUT = "ops"
APART = timedelta(days=1)  # between two alerts of one feed
KEPT = 200  # alerts

_HINTS = {
    State.UNUSUAL: "Look whether its pages have news; its feed may be broken, or have moved.",
    State.DEAD: "It has published nothing for a month. Take it out, or look for its new address.",
    State.FAILING: "It is asked again by itself, less and less often.",
    State.BLOCKED: "Its publisher refuses us. Set `site: contact`, or write to them.",
    State.LOST: "It was not found for a month. Take it out, or look for its new address.",
    State.GONE: "It is not asked any more. Take it out of feeds.yaml.",
    State.MOVED: "Write the new address into feeds.yaml, with the id that it has now.",
}


class Alert(Struct, frozen=True, kw_only=True):
    """One thing that ops were told ``at`` a time (ISO 8601)."""

    feed: str
    at: str
    title: str
    text: str


class Told(Struct, frozen=True, kw_only=True):
    """What was told, the newest first; and by feed, of which state and when last."""

    alerts: tuple[Alert, ...] = ()
    last: Mapping[str, tuple[str, str]]


def told_now(
    before: Told, standings: Mapping[str, Standing], *, now: datetime, offline: bool = False
) -> Told:
    """Return what was told after a look at how feeds do.

    When we are ``offline``, that feeds fail is our own doing and told of none of them.
    """
    fresh, last = [], {feed: held for feed, held in before.last.items() if feed in standings}
    for feed, one in standings.items():
        if offline and one.state is State.FAILING:
            continue
        word, at = last.get(feed, ("", None))
        if at is not None and now - datetime.fromisoformat(at) < APART:
            if not one.grave:
                last[feed] = ("", at)  # what comes after is news again
            continue  # whatever it is, it will be told then if it still is
        if not one.grave:
            last.pop(feed, None)
        elif word != one.state:
            last[feed] = (one.state, now.isoformat())
            fresh.append(_alert(feed, one, now))
    return Told(alerts=(*fresh, *before.alerts)[:KEPT], last=last)


def look(
    store: Store, standings: Mapping[str, Standing], *, now: datetime, offline: bool
) -> tuple[Told, int]:
    """Tell what is new, and remember it; return all and how many are new. On the store's thread."""
    before = read(store)
    after = told_now(before, standings, now=now, offline=offline)
    if after != before:
        text = {"alerts": [asdict(alert) for alert in after.alerts], "last": dict(after.last)}
        store.notes.put(NOTE, json.dumps(text))
    return after, sum(alert.at == now.isoformat() for alert in after.alerts)


def read(store: Store) -> Told:
    """Return what was told so far."""
    held = json.loads(store.notes.get(NOTE) or '{"alerts": [], "last": {}}')
    return Told(
        alerts=tuple(Alert(**alert) for alert in held["alerts"]),
        last={feed: (word, at) for feed, (word, at) in held["last"].items()},
    )


def feed_of(told: Told, site: Site, *, born: datetime) -> bytes:
    """Print the feed of alerts (Atom)."""
    spec = OutputSpec(name=OUTPUT, kind=Kind.LATEST, title=f"{site.title}: for ops")
    entries = tuple(_entry(alert, site) for alert in told.alerts)
    updated = entries[0].updated if entries else born
    edition = Edition(spec=spec, updated=updated, entries=entries)
    quiet = replace(site, hubs=())  # no hub is to tell of it
    return documents.render(edition, Format.ATOM, quiet).body


def _alert(feed: str, one: Standing, now: datetime) -> Alert:
    since = f" since {one.since:%Y-%m-%d %H:%M}Z" if one.since else ""
    because = f"{one.because}. " if one.because else ""
    return Alert(
        feed=feed,
        at=now.isoformat(),
        title=f"{feed}: {one.state}{since}",
        text=f"{because}{_HINTS[one.state]}",
    )


def _entry(alert: Alert, site: Site) -> EditionEntry:
    at = datetime.fromisoformat(alert.at)
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{site.installation} {alert.feed} {alert.at}")
    return EditionEntry(
        id=f"urn:uuid:{name}",
        title=alert.title,
        link=f"{site.base_url}/status#{alert.feed}",
        published=at,
        updated=at,
        summary=alert.text,
    )
