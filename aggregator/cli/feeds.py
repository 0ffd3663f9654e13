"""``aggregator feeds``: how does each feed do?"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta

import click
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.model.feeds import Feed
from aggregator.outputs.wording import ago
from aggregator.service import clock
from aggregator.service.building import cadence
from aggregator.service.logs import hidden
from aggregator.settings import Settings
from aggregator.sources.report import Report, report
from aggregator.storage import Store
from aggregator.text.urls import redacted

_WIDE = 160  # characters, where nobody's window says how much fits
_OVERDUE = timedelta(minutes=5)
_HEADS = ("feed", "state", "last visit", "next visit", "because", "polite", "gaps", "remark")


@click.command()
@click.argument("names", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.pass_obj
def feeds(place: Place, names: tuple[str, ...], *, as_json: bool) -> None:
    """Show how each feed does: its state, visits, gaps, errors, and how politely it is asked.

    Reads beside a service that runs. The politeness is of 100, from the log of the last visits.
    Exit status 1 when one of the feeds shown is failing, denied, lost or gone.
    """
    settings = place.settings()
    wanted = _wanted(settings, names)
    now = clock.now()
    with closing(place.reading(settings)) as store:
        reports = _reports(settings, store, wanted)
    if as_json:
        click.echo(json.dumps([_plain(one) for one in reports], ensure_ascii=False, indent=2))
    else:
        _show(reports, now)
    if not all(one.well for one in reports):
        raise SystemExit(1)


def _wanted(settings: Settings, names: Sequence[str]) -> tuple[Feed, ...]:
    known = {feed.id: feed for feed in settings.feeds}
    for name in names:
        if name not in known:
            raise click.UsageError(
                f'"{name}" is no feed in feeds.yaml; `aggregator feeds` lists all'
            )
    return tuple(known[name] for name in names) if names else settings.feeds


def _reports(settings: Settings, store: Store, wanted: Sequence[Feed]) -> tuple[Report, ...]:
    states = {state.feed: state for state in store.feeds.states()}
    visits = store.visits.all()
    usual = cadence(settings)
    found = (
        report(feed, states.get(feed.id), visits.get(feed.id, ()), cadence=usual) for feed in wanted
    )
    return tuple(
        replace(one, url=hidden(redacted(one.url)), error=hidden(one.error or "") or None)
        for one in found
    )


def _show(reports: Sequence[Report], now: datetime) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    table = Table(*_HEADS, box=None, pad_edge=False, header_style="bold")
    for one in reports:
        table.add_row(*_row(one, now), style=None if one.well else "yellow")
    console.print(table)
    click.echo(_summary(reports))


def _row(one: Report, now: datetime) -> list[Text]:
    last = f"{ago(now - one.last.at)} ago, {one.last.outcome or 'cut short'}" if one.last else ""
    told = [one.error, *one.politeness.faults, *one.politeness.remarks]
    cells = (
        one.feed,
        f"{one.condition} ({one.failures})" if one.failures else one.condition,
        last,
        _when(one, now),
        one.because,
        str(one.politeness.points) if one.politeness.visits else "",
        str(one.gaps or ""),
        "; ".join(filter(None, told)),
    )
    return [Text(cell) for cell in cells]  # no markup: publishers may be quoted


def _when(one: Report, now: datetime) -> str:
    if one.next is None:
        return "never" if one.condition == "gone" else ""
    if now - one.next > _OVERDUE:  # nobody runs, or its host is busy
        return f"overdue {ago(now - one.next)}"
    return f"in {ago(one.next - now)}" if one.next > now else "now"


def _summary(reports: Sequence[Report]) -> str:
    unwell = sum(not one.well for one in reports)
    asked = [one for one in reports if one.politeness.visits]
    told = f"{counted(len(reports), 'feed')}, {unwell} not well"
    if not asked:
        return told
    worst = min(asked, key=lambda one: one.politeness.points)
    return f"{told}; least polite: {worst.feed}, {worst.politeness.points} of 100"


def _plain(one: Report) -> Mapping[str, object]:
    last = one.last
    return {
        "feed": one.feed,
        "url": one.url,
        "state": one.condition,
        "well": one.well,
        "last": last
        and {
            "at": _iso(last.at),
            "outcome": last.outcome,
            "status": last.status,
            "because": last.because,
            "conditional": last.conditional,
            "requests": last.requests,
            "bytes": last.size,
            "new": last.new,
        },
        "next": one.next and _iso(one.next),
        "because": one.because,
        "failures": one.failures,
        "error": one.error,
        "gaps": one.gaps,
        "recovered": one.recovered,
        "politeness": {
            "points": one.politeness.points,
            "visits": one.politeness.visits,
            "faults": one.politeness.faults,
            "remarks": one.politeness.remarks,
        },
    }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
