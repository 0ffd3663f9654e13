"""Which feeds do we publish? (``config/outputs.yaml``)"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from aggregator.model.editions import MILESTONES, Kind, OutputSpec
from aggregator.model.stories import Topic
from aggregator.settings import kinds
from aggregator.settings.documents import Document
from aggregator.settings.kinds import Language, Line
from aggregator.settings.mistakes import misshapen, repeated, validated
from aggregator.settings.nodes import Fault, Trail

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
_WORDS = {
    Kind.LATEST: ("Latest", "Everything, newest first, nothing twice."),
    Kind.TOP: ("Top News", "What matters now: one entry per story, with everyone who reports it."),
}


class OutputEntry(BaseModel):
    """One output feed, or one per topic."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: Kind = Field(examples=["latest"])
    """latest: every item, newest first; top: the stories that matter now."""
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
    language: Language | None = None
    """Language to declare; the site's if unset."""

    @model_validator(mode="after")
    def _one_topic_or_all(self) -> "OutputEntry":
        if self.topic and self.per_topic:
            raise ValueError("has both topic and per_topic; keep one of them")
        if self.milestones is not None and self.kind is not Kind.TOP:
            raise ValueError("has milestones, which only kind: top has; remove them")
        if self.name and ("{topic}" in self.name) != self.per_topic:
            raise ValueError("name holds {topic} with per_topic, and only then; write it so")
        return self

    def specs(self, topics: Sequence[Topic], limit: int) -> tuple[OutputSpec, ...]:
        """Return the outputs that this entry stands for; ``limit`` goes where it has none."""
        if self.per_topic:
            return tuple(self._spec(topic, limit) for topic in topics)
        only = next((topic for topic in topics if topic.slug == self.topic), None)
        return (self._spec(only, limit),)

    def _spec(self, topic: Topic | None, limit: int) -> OutputSpec:
        title, description = _WORDS[self.kind]
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
            language=self.language,
        )


def _named(text: str | None, topic: Topic | None) -> str:
    return (text or "").replace("{topic}", topic.title if topic else "").strip()


class OutputsFile(BaseModel):
    """What ``outputs.yaml`` holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outputs: tuple[OutputEntry, ...] = Field(description="The output feeds")


# In force when there is no outputs.yaml; the shipped file says the same, and a test compares them.
DEFAULT_OUTPUTS: tuple[OutputEntry, ...] = (
    OutputEntry(kind=Kind.LATEST),
    OutputEntry(kind=Kind.TOP, limit=30),
    OutputEntry(kind=Kind.LATEST, per_topic=True),
    OutputEntry(kind=Kind.TOP, per_topic=True, limit=30),
)


def read_outputs(
    document: Document, topics: Sequence[Topic], slugs: tuple[str, ...] | None, limit: int
) -> tuple[tuple[OutputSpec, ...], list[Fault]]:
    """Return the outputs of ``outputs.yaml`` and every mistake in it.

    ``slugs`` are the topics that may be named, ``limit`` the entries of an output that sets none.
    """
    faults = misshapen(document, "outputs", "kind: latest")
    if not faults and not document.says("outputs"):
        return tuple(s for entry in DEFAULT_OUTPUTS for s in entry.specs(topics, limit)), []
    specs: list[OutputSpec] = []
    named: list[tuple[Trail, str]] = []
    for index in range(len(document.entries("outputs"))):
        trail: Trail = ("outputs", index)
        entry, wrong = validated(OutputEntry, document, trail, {"topics": slugs})
        faults += wrong
        found = entry.specs(topics, limit) if entry else ()
        specs += found
        named += [((*trail, "name"), spec.name) for spec in found]
    text = "name: the output on line LINE has it too; give one of them another"
    return tuple(specs), faults + list(repeated(document, named, text))
