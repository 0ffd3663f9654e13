"""An event and the voices that report it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicScore:
    """One topic of an item: ``score`` in 0..1 and ``because``, e.g. ``feed`` or ``words: nasa``."""

    topic: str
    score: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where clustering put an item.

    ``story`` is a permanent id. ``merged`` are stories that this item showed to be the same event;
    they forward to ``story`` from now on. ``because`` is for people: ``joined .41``, ``opened``.
    """

    story: str
    opened: bool
    similarity: float
    merged: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One independent owner's reporting of a story.

    ``copies_only`` when every item of theirs is a copy of somebody else's text. ``weight`` is that
    of their heaviest feed.
    """

    owner: str
    weight: float
    first: datetime
    last: datetime
    copies_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFacts:
    """What ranking needs to know of a story.

    ``topics`` are those of a third of its items at least, ``touched`` those of a sixth.
    """

    id: str
    opened: datetime
    voices: tuple[Voice, ...]
    topics: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """A story's score and the named parts that make it up (they add up to ``score``)."""

    story: str
    score: float
    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A subject that items fall into. ``hints`` are words or categories that point to it."""

    slug: str
    title: str
    hints: tuple[str, ...] = ()
