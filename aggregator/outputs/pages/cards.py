"""What is shown of one story?"""

import unicodedata
from collections.abc import Mapping
from datetime import date

from markupsafe import Markup
from msgspec import Struct

from aggregator.model.editions import Also, EditionEntry
from aggregator.outputs.addresses import story_page
from aggregator.outputs.wording import STANDFIRST, Moment, moment, shortened

WORDS_PER_MINUTE = 220  # silent reading of prose, Brysbaert 2019: 238 in English, fewer elsewhere
LETTERS_PER_MINUTE = 500  # of scripts that write no spaces
MAX_BYLINE = 80  # characters; longer ones are lists of agencies and addresses

_DIRECTIONS = {"L": "ltr", "R": "rtl", "AL": "rtl"}
_RIGHT_TO_LEFT = frozenset(
    ("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi")
)
_RIGHT_TO_LEFT_SCRIPTS = frozenset(("adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"))
_UNSPACED = frozenset(("zh", "ja", "th", "lo", "km", "my"))


class Label(Struct, frozen=True, kw_only=True):
    """The topic that a card is shown under."""

    slug: str
    title: str


class Card(Struct, frozen=True, kw_only=True):
    """What a page shows of an entry; all text is plain.

    ``minutes`` is the reading time, 0 when the feed does not carry enough text to tell.
    ``sources`` counts everybody who reports it, the card's own source included. ``story`` is where
    the page of its story stands, None when it has none.
    """

    id: str
    title: str
    link: str
    standfirst: str
    image: str | None
    lang: str | None
    dir: str
    when: Moment
    agency: str | None
    source: str
    home: str | None
    byline: str
    minutes: int
    label: Label | None
    also: tuple[Also, ...]
    story: str | None = None

    @property
    def sources(self) -> int:
        """How many report it."""
        return 1 + len(self.also)


def card_of(
    entry: EditionEntry, *, today: date, language: str | None, labels: Mapping[str, Label]
) -> Card:
    """Return the card of a cleaned ``entry``; ``language`` is what it is in when it says nothing.

    Times on ``today`` are shown without their date. ``labels`` are topics by slug.
    """
    source = entry.source
    lang = entry.language or language
    return Card(
        id=entry.id,
        title=entry.title,
        link=entry.link,
        standfirst=_standfirst(entry),
        image=entry.image,
        lang=lang,
        dir=direction(entry.title, lang),
        when=moment(entry.published, today),
        agency=entry.agency,
        source=source.title if source else "",
        home=source.home if source else None,
        byline=_byline(entry),
        minutes=reading_minutes(entry.content_html, lang),
        label=next((labels[slug] for slug in entry.categories if slug in labels), None),
        also=entry.also,
        story=story_page(entry.story) if entry.story else None,
    )


def direction(text: str, language: str | None) -> str:
    """Return ``rtl`` or ``ltr``: by the first letter that has a direction, else by language.

    The words are asked first because feeds often name a language that an entry is not in.
    """
    for letter in text:
        if found := _DIRECTIONS.get(unicodedata.bidirectional(letter)):
            return found
    subtags = (language or "").lower().split("-")
    if _RIGHT_TO_LEFT_SCRIPTS.intersection(subtags[1:]):
        return "rtl"
    return "rtl" if subtags[0] in _RIGHT_TO_LEFT and "latn" not in subtags else "ltr"


def reading_minutes(content_html: str, language: str | None) -> int:
    """Return how many minutes the text takes to read; 0 for less than a full one."""
    if len(content_html) < LETTERS_PER_MINUTE:
        return 0
    text = Markup(content_html).striptags()  # noqa: S704 - counted, never printed
    if (language or "").lower().split("-")[0] in _UNSPACED:
        minutes = len(text) / LETTERS_PER_MINUTE
    else:
        minutes = len(text.split()) / WORDS_PER_MINUTE
    return round(minutes) if minutes >= 1 else 0


def _standfirst(entry: EditionEntry) -> str:
    text = shortened(entry.summary, STANDFIRST)
    return "" if text.casefold() == entry.title.casefold() else text


def _byline(entry: EditionEntry) -> str:
    names = ", ".join(entry.authors[:2])
    credited = {entry.source.title if entry.source else "", entry.agency or ""}
    return "" if names in credited or len(names) > MAX_BYLINE else names
