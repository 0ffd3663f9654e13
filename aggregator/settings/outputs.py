"""Which feeds do we publish? (``config/outputs.yaml``)"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from aggregator.model.editions import MILESTONES, Filter, Kind, OutputSpec
from aggregator.model.feeds import Feed
from aggregator.model.stories import Topic
from aggregator.outputs.wording import SELECTION, USUAL
from aggregator.settings import kinds
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.kinds import Language, Line
from aggregator.settings.mistakes import misshapen, repeated, validated
from aggregator.settings.nodes import Fault, Trail
from aggregator.settings.schedules import EXAMPLE, When

MAX_PHRASES = 1000  # in one list

_NAME = rf"(?:{kinds.SLUG}|\{{topic\}})(?:/(?:{kinds.SLUG}|\{{topic\}}))*"
Name = Annotated[
    str,
    kinds.matching(_NAME, "is not an output name; write words like latest or topics/science/top"),
    kinds.written(_NAME, "latest", "topics/science/top"),
]
Milestones = Annotated[
    tuple[Annotated[int, Field(ge=2, le=10_000)], ...],
    BeforeValidator(kinds.as_list),
    AfterValidator(kinds.rising),
    kinds.one_or_many({"type": "integer", "minimum": 2, "maximum": 10_000}),
]
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "pattern": f"^(?:{_NAME})$"}),
]
Phrases = Annotated[
    tuple[Annotated[kinds.Line, AfterValidator(kinds.has_words)], ...],
    BeforeValidator(kinds.as_list),
    Field(max_length=MAX_PHRASES),
    kinds.one_or_many({"type": "string", "examples": ["ferry", "container ship"]}),
]
Feeds = Annotated[
    tuple[Annotated[kinds.Line, kinds.listed_under("feeds", "the id of a feed")], ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "pattern": f"^{kinds.SLUG}$"}),
]
Owners = Annotated[
    tuple[Annotated[kinds.Line, kinds.listed_under("owners", "an owner of a feed")], ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string"}),
]
_DIGEST = "sha256:[0-9a-f]{64}"
Tokens = Annotated[
    dict[
        kinds.Slug,
        Annotated[
            str,
            kinds.matching(_DIGEST, "is not the digest of a token; `aggregator token` makes one"),
            kinds.written(_DIGEST),
        ],
    ],
    Field(examples=[{"ada": f"sha256:{'0' * 64}"}]),
]
Languages = Annotated[
    tuple[Language, ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "examples": ["en", "pt-BR"]}),
]


class WordsEntry(Group):
    """Words and phrases that titles and summaries have; whole words, in any script and case."""

    any: Phrases = ()
    """At least one of these."""
    all: Phrases = ()
    """Every one of these."""
    none: Phrases = ()
    """None of these."""


class OnlyEntry(Group):
    """Which items an output takes: those that fit everything that is said here."""

    topics: kinds.Topics = ()
    """Slugs of topics.yaml; one is enough."""
    feeds: Feeds = ()
    """Ids of feeds in feeds.yaml; one is enough."""
    owners: Owners = ()
    """Owners of feeds.yaml; one is enough."""
    languages: Languages = ()
    """Languages of items, with all their kinds: en means en-GB too."""
    words: WordsEntry = kinds.usual()
    """Words and phrases."""
    sources: int = Field(default=1, ge=1, le=1000, examples=[2])
    """Independent owners that report the story, at least."""

    @model_validator(mode="after")
    def _something(self) -> "OnlyEntry":
        if self.filter() == Filter():
            raise ValueError("asks for nothing; write topics, feeds, owners, languages or words")
        return self

    def filter(self) -> Filter:
        """Return the filter."""
        return Filter(
            topics=self.topics,
            feeds=self.feeds,
            owners=tuple(owner.lower() for owner in self.owners),
            languages=self.languages,
            words_any=self.words.any,
            words_all=self.words.all,
            words_none=self.words.none,
            sources=self.sources,
        )


class OutputEntry(Group):
    """One output feed, or one per topic."""

    kind: Kind = Field(examples=["latest"])
    """latest: every item, newest first; top: the stories that matter now; digest: issues of either,
    put together when the schedule says."""
    schedule: When | None = None
    """When a digest is put together, and what an issue lists."""
    name: Name | None = None
    """Its address below /feeds/, without extension; from kind and topic if unset. {topic} is the
    slug when per_topic."""
    title: Line | None = None
    """Its title; {topic} is the title of the topic."""
    description: Line | None = None
    """One sentence about it; {topic} is the title of the topic."""
    topic: kinds.Topic | None = None
    """Only items of this topic (a slug of topics.yaml)."""
    per_topic: bool = False
    """Make one such output for every topic."""
    limit: int | None = Field(default=None, ge=1, le=1000, examples=[50])
    """Entries, at most; `publish.entries` of service.yaml if unset."""
    per_owner: int | None = Field(default=None, ge=1, le=1000, examples=[5])
    """Entries from one owner, at most. If unset, half of the entries while others can fill the
    rest."""
    milestones: Milestones | None = Field(default=None, examples=[[3, 6, 12]])
    """Numbers of independent owners at which a story of a top output is dated anew, so that
    readers show it again; [] for never."""
    only: OnlyEntry | None = None
    """Which items it takes; all of its topic if unset."""
    was: Names = ()
    """Names that it had before: their addresses lead to it, and readers notice nothing."""
    source_in_title: bool = False
    """Name the source behind every headline, for readers that do not show it."""
    language: Language | None = None
    """Language to declare; the site's if unset."""
    private: bool = False
    """Only for who knows one of its tokens; no page, list or hub tells of it."""
    tokens: Tokens = Field(default_factory=dict)
    """Digests of the tokens that open it, by your own names for its readers; `aggregator token`
    makes one. Remove a line to revoke it."""

    @model_validator(mode="after")
    def _private_or_not(self) -> "OutputEntry":
        if self.tokens and not self.private:
            raise ValueError("has tokens and is not private; write private: true")
        if self.private and self.kind is Kind.DIGEST:
            raise ValueError("is private, but the issues of a digest have pages for all; keep one")
        return self

    @model_validator(mode="after")
    def _one_topic_or_all(self) -> "OutputEntry":
        if self.topic and self.per_topic:
            raise ValueError("has both topic and per_topic; keep one of them")
        if self.milestones is not None and self.kind is Kind.LATEST:
            raise ValueError("has milestones, which kind: latest knows nothing of; remove them")
        if self.kind is Kind.DIGEST and not self.schedule:
            raise ValueError(f"has kind: digest and no schedule; write schedule: {EXAMPLE}")
        if self.schedule and self.kind is not Kind.DIGEST:
            raise ValueError("has a schedule, which only kind: digest has; write kind: digest")
        names = (self.name, *self.was) if self.name else self.was
        if any(("{topic}" in name) != self.per_topic for name in names):
            raise ValueError("name holds {topic} with per_topic, and only then; write it so")
        return self

    def specs(self, topics: Sequence[Topic], limit: int) -> tuple[OutputSpec, ...]:
        """Return the outputs that this entry stands for; ``limit`` goes where it has none."""
        if self.per_topic:
            return tuple(self._spec(topic, limit) for topic in topics)
        only = next((topic for topic in topics if topic.slug == self.topic), None)
        return (self._spec(only, limit),)

    def _spec(self, topic: Topic | None, limit: int) -> OutputSpec:
        title, description = USUAL[self.kind]
        if self.only and self.kind is Kind.LATEST:
            description = SELECTION
        name = self.name or self.kind.value
        if topic:
            title = f"{topic.title}: {title}"
            name = (self.name or f"topics/{{topic}}/{name}").replace("{topic}", topic.slug)
        return OutputSpec(
            name=name,
            kind=self.kind,
            title=_named(self.title, topic) or title,
            description=_named(self.description, topic) or description,
            topic=topic.slug if topic else None,
            limit=self.limit or limit,
            per_owner=self.per_owner,
            milestones=MILESTONES if self.milestones is None else self.milestones,
            schedule=self.schedule,
            only=self.only.filter() if self.only else None,
            was=tuple(name.replace("{topic}", topic.slug if topic else "") for name in self.was),
            source_in_title=self.source_in_title,
            language=self.language,
            private=self.private,
            tokens=tuple(digest.removeprefix("sha256:") for digest in self.tokens.values()),
        )


def _named(text: str | None, topic: Topic | None) -> str:
    return (text or "").replace("{topic}", topic.title if topic else "").strip()


class OutputsFile(Group):
    """What ``outputs.yaml`` holds."""

    outputs: tuple[OutputEntry, ...] = Field(description="The output feeds")


# In force when there is no outputs.yaml; the shipped file says the same, and a test compares them.
DEFAULT_OUTPUTS: tuple[OutputEntry, ...] = (
    OutputEntry(kind=Kind.LATEST),
    OutputEntry(kind=Kind.TOP, limit=30),
    OutputEntry(kind=Kind.LATEST, per_topic=True),
    OutputEntry(kind=Kind.TOP, per_topic=True, limit=30),
)


def read_outputs(
    document: Document,
    topics: Sequence[Topic],
    slugs: tuple[str, ...] | None,
    limit: int,
    feeds: Sequence[Feed] | None = None,
) -> tuple[tuple[OutputSpec, ...], list[Fault]]:
    """Return the outputs of ``outputs.yaml`` and every mistake in it.

    ``slugs`` are the topics that may be named, ``feeds`` the feeds (None when they cannot be
    told), ``limit`` the entries of an output that sets none.
    """
    context = {"topics": slugs}
    if feeds is not None:
        context["feeds"] = tuple(feed.id for feed in feeds)
        context["owners"] = tuple(dict.fromkeys(feed.owner for feed in feeds))
    faults = misshapen(document, "outputs", "kind: latest")
    if not faults and not document.says("outputs"):
        return tuple(s for entry in DEFAULT_OUTPUTS for s in entry.specs(topics, limit)), []
    specs: list[OutputSpec] = []
    named: list[tuple[Trail, str]] = []
    former: list[tuple[Trail, str]] = []
    for index in range(len(document.entries("outputs"))):
        trail: Trail = ("outputs", index)
        entry, wrong = validated(OutputEntry, document, trail, context)
        faults += wrong
        found = entry.specs(topics, limit) if entry else ()
        specs += found
        named += [((*trail, "name"), spec.name) for spec in found]
        former += [((*trail, "was"), name) for spec in found for name in spec.was]
    text = "name: the output on line LINE has it too; give one of them another"
    faults += repeated(document, named, text)
    text = "was: the output on line LINE has that name, or had it; remove it from one of them"
    once = {name: trail for trail, name in reversed(named)}
    faults += repeated(document, [*((at, name) for name, at in once.items()), *former], text)
    return tuple(specs), faults
