"""Which subjects do items fall into? (``config/topics.yaml``)"""

from pydantic import Field

from aggregator.model.stories import Topic
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import Line, Lines, Slug
from aggregator.settings.mistakes import misshapen, repeated, validated
from aggregator.settings.nodes import Fault, Trail


class TopicEntry(Group):
    """One topic."""

    slug: Slug
    """Its name in addresses and in feeds.yaml; keep it, subscribers hold addresses with it."""
    title: Line | None = Field(default=None, examples=["Science"])
    """Its name for people; the slug with a capital letter if unset."""
    hints: Lines = ()
    """Words and publishers' categories that point to it."""

    def topic(self) -> Topic:
        """Return the topic; hints in lower case, each once, in the order given."""
        hints = tuple(dict.fromkeys(hint.lower() for hint in self.hints))
        title = self.title or self.slug.replace("-", " ").capitalize()
        return Topic(slug=self.slug, title=title, hints=hints)


class TopicsFile(Group):
    """What ``topics.yaml`` holds."""

    topics: tuple[TopicEntry, ...] = Field(description="The topics, in the order of the front page")


def _topic(slug: str, hints: str) -> Topic:
    return Topic(slug=slug, title=slug.capitalize(), hints=tuple(hints.split()))


# In force when there is no topics.yaml; the shipped file says the same, and a test compares them.
DEFAULT_TOPICS: tuple[Topic, ...] = (
    _topic(
        "world",
        "world international politics diplomacy election elections president minister parliament "
        "government war ceasefire troops missile sanctions treaty refugees border protest coup "
        "embassy nato foreign monde welt ausland internacional",
    ),
    _topic(
        "business",
        "business economy economic finance markets market shares stocks investors profit revenue "
        "earnings inflation interest bank banking currency trade tariffs company ceo merger "
        "takeover jobs unemployment oil économie wirtschaft economía",
    ),
    _topic(
        "technology",
        "technology tech software app apps smartphone computer internet online ai chip chips "
        "robot cybersecurity hackers startup google apple microsoft amazon meta tesla gadget "
        "gaming technologie technik tecnología",
    ),
    _topic(
        "science",
        "science scientists research researchers study physics chemistry biology space nasa "
        "astronomers telescope planet climate fossil species genome quantum laboratory wissen "
        "wissenschaft sciences ciencia",
    ),
    _topic(
        "sport",
        "sport sports football soccer rugby cricket tennis golf basketball baseball hockey "
        "olympics olympic championship league cup match coach goal striker formula f1 nba nfl "
        "fifa uefa deportes",
    ),
    _topic(
        "health",
        "health medicine medical hospital hospitals doctors nurses patients disease virus vaccine "
        "vaccines cancer covid pandemic outbreak drug drugs therapy mental nhs diet santé "
        "gesundheit salud",
    ),
    _topic(
        "culture",
        "culture arts art music film films movie movies cinema television tv theatre books book "
        "novel author album singer actor actress festival exhibition museum celebrity "
        "entertainment oscars kultur cultura",
    ),
)


def read_topics(
    document: Document,
) -> tuple[tuple[Topic, ...], tuple[str, ...] | None, list[Fault]]:
    """Return the topics, the slugs that others may name, and every mistake.

    A topic with a mistake in it may be named all the same; None when the slugs cannot be told.
    """
    faults = misshapen(document, "topics", "slug: science")
    if not faults and not document.says("topics"):
        return DEFAULT_TOPICS, tuple(topic.slug for topic in DEFAULT_TOPICS), []
    topics: list[Topic] = []
    named: list[tuple[Trail, str]] = []
    for index, value in enumerate(document.entries("topics")):
        trail: Trail = ("topics", index)
        entry, wrong = validated(TopicEntry, document, trail)
        faults += wrong
        topics += [entry.topic()] if entry else []
        slug = value.get("slug") if isinstance(value, dict) else None
        named += [((*trail, "slug"), slug)] if isinstance(slug, str) else []
    text = "slug: the topic on line LINE has it too; remove one of them"
    faults += repeated(document, named, text)
    known = tuple(slug for _, slug in named)
    return tuple(topics), known if known or not faults else None, faults
