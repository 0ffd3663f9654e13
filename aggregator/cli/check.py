"""``aggregator check``."""

import json
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import click
from msgspec import to_builtins

from aggregator.cli.place import Place
from aggregator.cli.wording import counted
from aggregator.settings import Settings
from aggregator.settings.waivers import waivers

SHOWN = 10  # headlines of each output


@click.command()
@click.option("--plan", is_flag=True, help="Tell what they would do to what is stored.")
@click.option("--json", "as_json", is_flag=True, help="With --plan: print a JSON object.")
@click.pass_obj
def check(place: Place, *, plan: bool, as_json: bool) -> None:
    """Check feeds.yaml and config/, and say what is wrong and where.

    With --plan, also try them out on a copy of what is stored: feeds added and removed, feeds that
    are one and the same, and the headlines that each output would gain or lose against what is
    served now. Nothing is asked, and nothing changed. Exit status 2 when anything is wrong.
    """
    settings = place.settings()
    if not (plan and as_json):
        _fine(place, settings)
    if plan:
        _plan(place, settings, as_json=as_json)


def _fine(place: Place, settings: Settings) -> None:
    on = sum(feed.enabled for feed in settings.feeds)
    click.echo(
        f"{place.feeds} and {place.config}/ are fine: {counted(on, 'feed')}"
        f" ({len(settings.feeds) - on} switched off), {counted(len(settings.topics), 'topic')},"
        f" {counted(len(settings.outputs), 'output')}"
    )
    for waiver in waivers(settings):
        click.echo(f"note: {waiver}")


def _plan(place: Place, settings: Settings, *, as_json: bool) -> None:
    from aggregator.service import clock  # noqa: PLC0415 - what a mere check need not load
    from aggregator.service.forecast import Forecast, forecast  # noqa: PLC0415
    from aggregator.storage import back_up, open_store  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="aggregator-plan-") as scratch:
        copy = Path(scratch) / "plan.sqlite3"
        url, root = place.database(settings)
        back_up(url, copy, root=root)
        with closing(open_store(f"sqlite:///{copy.name}", root=copy.parent)) as store:
            found: Forecast = forecast(store, settings, now=clock.now())
    if as_json:
        click.echo(json.dumps(to_builtins(found), ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("Nothing that is stored or served would change.")
    for what, names in (
        ("added", found.added),
        ("removed", found.removed),
        ("asked at another address", found.readdressed),
    ):
        if names:
            click.echo(f"{counted(len(names), 'feed')} {what}: {', '.join(names)}")
    for one, other, because in found.twins:
        click.echo(f"{one} and {other} may be one feed: {because}")
    for output in found.outputs:
        if output.gains or output.losses:
            click.echo(f"\n{output.output}: +{len(output.gains)} -{len(output.losses)}")
            _list("+", output.gains)
            _list("-", output.losses)


def _list(sign: str, titles: Iterable[str]) -> None:
    shown = list(titles)
    for title in shown[:SHOWN]:
        click.echo(f"  {sign} {title}")
    if len(shown) > SHOWN:
        click.echo(f"  {sign} … and {len(shown) - SHOWN} more")
