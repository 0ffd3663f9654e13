"""``aggregator top``: what stands in Top News, and why?"""

import json
from contextlib import closing
from typing import Any

import click

from aggregator.cli.place import Place
from aggregator.model.editions import Kind, OutputSpec
from aggregator.model.stories import Rank
from aggregator.service import clock
from aggregator.service.explaining import Explained, Explainer
from aggregator.settings import Settings

_NEXT = 5  # stories that do not stand, at the end of the list


@click.command()
@click.argument("output", default="top")
@click.option("--why", "asked", metavar="ID", help="Only the story of this id, or of this item.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.pass_obj
def top(place: Place, output: str, asked: str | None, *, as_json: bool) -> None:
    """Show what stands in OUTPUT (a top output, by name), each with its score as a sum, and why.

    Then the strongest stories that do not stand in it, and what keeps them out. Reads beside a
    service that runs. Exit status 1 when the story that is asked about is not known.
    """
    settings = place.settings()
    spec = _spec(settings, output)
    with closing(place.reading(settings)) as store:
        explainer = Explainer(store, clock.now(), settings.ranking)
        if asked:
            story = explainer.story_of(asked)
            if story is None:
                click.echo(f"{asked}: no story and no item has this id", err=True)
                raise SystemExit(1)
            told = [explainer.explain(spec, story)]
        else:
            told = [*explainer.standing(spec), *explainer.next_in_line(spec, _NEXT)]
    if as_json:
        click.echo(json.dumps([_plain(one) for one in told], ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(map(_text, told)) or "nothing stands in it yet")


def _spec(settings: Settings, name: str) -> OutputSpec:
    tops = {spec.name: spec for spec in settings.outputs if spec.kind is Kind.TOP}
    if name not in tops:
        known = ", ".join(tops) or "none is configured"
        raise click.UsageError(f'"{name}" is no top output; there are: {known}')
    return tops[name]


def _text(one: Explained) -> str:
    place = f"{one.place:>3}." if one.place else "   -"
    owners = ", ".join(one.owners)
    lines = (
        f"{place} {one.title or '(nothing is kept of it)'}",
        f"     {_sum(one.rank)}",
        f"     {one.because}",
        f"     {owners}" if owners else "",
        f"     {one.story}",
    )
    return "\n".join(line for line in lines if line)


def _sum(rank: Rank | None) -> str:
    """Write a rank as the sum that it is: ``7.4 = owners 9 + weight 0.5 - age 2.1``."""
    if rank is None:
        return "no score: nobody reported it for three days"
    parts = [part for part in rank.parts if round(part[1], 2)]
    text = " ".join(
        f"{'-' if figure < 0 else '+'} {name} {abs(figure):.2f}" for name, figure in parts
    )
    return f"{rank.score:.2f} = {text.removeprefix('+ ')}"


def _plain(one: Explained) -> dict[str, Any]:
    return {
        "place": one.place,
        "story": one.story,
        "title": one.title,
        "url": one.link,
        "score": round(one.rank.score, 4) if one.rank else None,
        "parts": {name: round(figure, 4) for name, figure in one.rank.parts} if one.rank else {},
        "owners": list(one.owners),
        "because": one.because,
    }
