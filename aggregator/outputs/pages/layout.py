"""Which story stands where on the page?

Nothing twice: a headline that stands higher up is left out further down.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date

from msgspec import Struct

from aggregator.model.editions import Edition, EditionEntry
from aggregator.model.stories import Topic
from aggregator.outputs.articles import select
from aggregator.outputs.pages.cards import Card, Label, card_of

SECONDS = 3  # a row of stories with pictures under the lead
BRIEFS = 8  # the rest of Top News, headlines only
LATEST = 17  # as tall as the lead and its row
NEWEST = 10  # of these go before sections; the rest is what no section tells
SECTION_LATEST = 4
MISSED = 4
TOPIC_SECONDS = 6
TOPIC_LATEST = 30


class Section(Struct, frozen=True, kw_only=True):
    """A topic with its two outputs."""

    topic: Topic
    top: Edition
    latest: Edition


class Block(Struct, frozen=True, kw_only=True):
    """A section of the front page: one story in full, headlines under it."""

    label: Label
    latest: Edition
    feature: Card
    headlines: tuple[Card, ...]


class Sheet(Struct, frozen=True, kw_only=True):
    """A page laid out. ``lead`` is None when nothing is ranked yet."""

    lead: Card | None
    seconds: tuple[Card, ...]
    briefs: tuple[Card, ...]
    latest: tuple[Card, ...]
    blocks: tuple[Block, ...] = ()
    missed: tuple[Card, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no story at all."""
        return not (self.lead or self.latest or self.blocks or self.missed)


class _Desk:
    """Hands out cards, each story once: by id, by address, by the addresses of its copies."""

    def __init__(self, today: date, language: str, labels: Mapping[str, Label]) -> None:
        self._today = today
        self._language = language
        self._labels = labels
        self._shown: set[str] = set()

    def take(self, edition: Edition, most: int) -> tuple[Card, ...]:
        """Return up to ``most`` cards of ``edition`` that were not handed out before."""
        language = edition.spec.language or self._language
        taken: list[Card] = []
        for article in select(edition).articles:
            if len(taken) == most:
                break
            if self._shown.isdisjoint(_names(article.entry)):
                self._shown.update(_names(article.entry))
                taken.append(
                    card_of(
                        article.entry, today=self._today, language=language, labels=self._labels
                    )
                )
        return tuple(taken)


def lay_front(
    *,
    top: Edition,
    latest: Edition,
    sections: tuple[Section, ...],
    dont_miss: tuple[EditionEntry, ...],
    language: str,
) -> Sheet:
    """Lay out the front page."""
    labels = {section.topic.slug: label_of(section.topic) for section in sections}
    desk = _Desk(newest((top, latest)), language, labels)
    ranked = desk.take(top, 1 + SECONDS + BRIEFS)
    first = desk.take(latest, NEWEST)
    missed = desk.take(Edition(spec=top.spec, updated=top.updated, entries=dont_miss), MISSED)
    blocks = tuple(_blocks(sections, desk))
    return Sheet(
        lead=ranked[0] if ranked else None,
        seconds=ranked[1 : 1 + SECONDS],
        briefs=ranked[1 + SECONDS :],
        latest=(*first, *desk.take(latest, LATEST - len(first))),
        blocks=blocks,
        missed=missed,
    )


def lay_topic(section: Section, *, language: str) -> Sheet:
    """Lay out the page of one topic."""
    desk = _Desk(newest((section.top, section.latest)), language, {})
    ranked = desk.take(section.top, 1 + TOPIC_SECONDS)
    return Sheet(
        lead=ranked[0] if ranked else None,
        seconds=ranked[1:],
        briefs=(),
        latest=desk.take(section.latest, TOPIC_LATEST),
    )


def label_of(topic: Topic) -> Label:
    """Return the label of ``topic``; its slug stands in for a missing title."""
    return Label(slug=topic.slug, title=topic.title or topic.slug)


def newest(editions: Iterable[Edition]) -> date:
    """Return the day (UTC) of the edition that changed last."""
    return max(edition.updated for edition in editions).astimezone(UTC).date()


def _blocks(sections: Iterable[Section], desk: _Desk) -> Iterable[Block]:
    for section in sections:
        cards = desk.take(section.top, 1)
        cards += desk.take(section.latest, 1 + SECTION_LATEST - len(cards))
        if cards:
            yield Block(
                label=label_of(section.topic),
                latest=section.latest,
                feature=cards[0],
                headlines=cards[1:],
            )


def _names(entry: EditionEntry) -> set[str]:
    names = {entry.id, entry.link, *(report.link for report in entry.also)}
    # An entry without an address of its own links to its publisher's front page.
    shared = {entry.source.home, entry.source.url} if entry.source else set()
    return names - shared - {""}
