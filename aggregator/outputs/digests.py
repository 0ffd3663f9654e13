"""When is an issue of a digest due, and what stands in it?

An issue is put together once and never changes. There is one for each day of its schedule, also on
the days when clocks are changed; of those that were missed only the last is made up for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape

from msgspec import Struct

from aggregator.model.editions import (
    Edition,
    EditionEntry,
    Kind,
    OutputSpec,
    Schedule,
    Site,
)
from aggregator.model.published import Issue, Stay
from aggregator.outputs.addresses import issue_id, issue_url
from aggregator.outputs.articles import UNPRINTABLE, Article, article_of
from aggregator.outputs.standing import Candidate, milestone
from aggregator.outputs.wording import STANDFIRST, long_date, shortened

HEADLINES = 3  # in the summary of an issue
PUNCTUAL = timedelta(minutes=5)  # an issue made later than this was missed
_WEEK = 7


class Due(Struct, frozen=True, kw_only=True):
    """An issue that is due: its ``day`` on the clocks of its schedule, and when (UTC)."""

    day: date
    at: datetime


def due(schedule: Schedule, now: datetime) -> Due | None:
    """Return the last issue that was due at or before ``now``, None where a week has none."""
    today = now.astimezone(schedule.zone).date()
    for back in range(_WEEK + 1):
        day = today - timedelta(days=back)
        at = _moment(schedule, day)
        if day.weekday() in schedule.days and at <= now:
            return Due(day=day, at=at)
    return None


def _moment(schedule: Schedule, day: date) -> datetime:
    """Return when the clocks show the time of ``schedule``.

    Of two such moments the first, and if clocks jump over it, as long after midnight as usual.
    """
    return datetime.combine(day, schedule.time, schedule.zone).astimezone(UTC)


def not_told(
    ranked: Iterable[Candidate],
    before: Mapping[str, Stay],
    forward: Mapping[str, str],
    steps: Sequence[int],
) -> tuple[Candidate, ...]:
    """Leave out stories that an earlier issue told of, unless a milestone was reached since.

    ``before`` are the stays in earlier issues; ``forward`` is what stories of these merged into.
    """
    reached: dict[str, int] = {}
    for story, stay in before.items():
        into = forward.get(story, story)
        reached[into] = max(reached.get(into, 0), stay.milestone)
    return tuple(
        one
        for one in ranked
        if one.story not in reached or milestone(one.owners, steps) > reached[one.story]
    )


def issue_of(
    spec: OutputSpec,
    entries: Iterable[EditionEntry],
    day: date,
    site: Site,
    *,
    now: datetime,
    mark: int = 0,
) -> Issue:
    """Put an issue together from what it lists, in order; what cannot be printed is left out."""
    articles = tuple(_printable(entries))
    heads = " · ".join(article.entry.title for article in articles[:HEADLINES])
    lines = "".join(f"<li>{_line(article)}</li>" for article in articles)
    return Issue(
        output=spec.name,
        day=day,
        id=issue_id(spec, site, day),
        made=now,
        title=f"{spec.title}: {long_date(day)}",
        summary=heads,
        content_html=f"<ol>{lines}</ol>",
        image=next((a.entry.image for a in articles if a.entry.image), None),
        mark=mark,
    )


def edition_of(spec: OutputSpec, issues: Iterable[Issue], site: Site, *, born: datetime) -> Edition:
    """Compose a digest from its ``issues``, the newest first."""
    entries = tuple(
        EditionEntry(
            id=issue.id,
            title=issue.title,
            link=issue_url(spec, site, issue.day),
            published=issue.made,
            updated=issue.made,
            summary=issue.summary,
            content_html=issue.content_html,
            authors=(site.title,),
            categories=(spec.topic,) if spec.topic else (),
            image=issue.image,
        )
        for issue in issues
    )
    updated = max((entry.updated for entry in entries), default=born)
    return Edition(spec=spec, updated=updated, entries=entries)


def lists_of(spec: OutputSpec) -> Kind:
    """Return what an output lists, itself or in its issues: items or stories."""
    return spec.schedule.lists if spec.schedule else spec.kind


def _printable(entries: Iterable[EditionEntry]) -> Iterator[Article]:
    for entry in entries:
        try:
            yield article_of(entry)
        except UNPRINTABLE:
            continue


def _line(article: Article) -> str:
    entry = article.entry
    title = escape(entry.title, quote=False)
    head = f'<a href="{escape(entry.link)}">{title}</a>' if entry.link else title
    others = len(entry.also)
    more = f", and {others} other{'s' if others > 1 else ''}" if others else ""
    source = escape(entry.source.title, quote=False) if entry.source else ""
    at = entry.published
    when = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M} UTC</time>'
    text = escape(shortened(entry.summary, STANDFIRST), quote=False)
    standfirst = f"<p>{text}</p>" if text else ""
    return f"<p><strong>{head}</strong><br>{source}{more}, {when}</p>{standfirst}"
