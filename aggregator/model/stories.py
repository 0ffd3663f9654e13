"""An event and the voices that report it."""

from datetime import datetime

from msgspec import Struct


class TopicScore(Struct, frozen=True, kw_only=True):
    """One topic of an item: ``score`` in 0..1 and ``because``, e.g. ``feed`` or ``words: nasa``."""

    topic: str
    score: float
    because: str


class Placement(Struct, frozen=True, kw_only=True):
    """Where clustering put an item.

    ``story`` is a permanent id. ``merged`` are stories that this item showed to be the same event;
    they forward to ``story`` from now on. ``because`` is for people: ``joined .41``, ``opened``.
    """

    story: str
    opened: bool
    similarity: float
    merged: tuple[str, ...] = ()
    because: str = ""


class Voice(Struct, frozen=True, kw_only=True):
    """One independent owner's reporting of a story.

    ``copies_only`` when every item of theirs is a copy of somebody else's text. ``weight`` is that
    of their heaviest feed.
    """

    owner: str
    weight: float
    first: datetime
    last: datetime
    copies_only: bool = False


class StoryFacts(Struct, frozen=True, kw_only=True):
    """What ranking needs to know of a story.

    ``topics`` are those of a third of its items at least, ``touched`` those of a sixth.
    """

    id: str
    opened: datetime
    voices: tuple[Voice, ...]
    topics: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


class Rank(Struct, frozen=True, kw_only=True):
    """A story's score and the named parts that make it up (they add up to ``score``)."""

    story: str
    score: float
    parts: tuple[tuple[str, float], ...]


class Topic(Struct, frozen=True, kw_only=True):
    """A subject that items fall into. ``hints`` are words or categories that point to it."""

    slug: str
    title: str
    hints: tuple[str, ...] = ()
