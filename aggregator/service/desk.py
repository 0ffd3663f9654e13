"""What happens after a visit? The wire desk: file what came in, then bring out new editions."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from aggregator.outputs.gate import Caution
from aggregator.service.archiving import ArchivePages
from aggregator.service.copies import heal
from aggregator.service.organise import Organiser
from aggregator.service.press import Published
from aggregator.service.publish import Publisher
from aggregator.service.storypages import StoryPages
from aggregator.settings import Settings
from aggregator.storage import Store
from aggregator.stories.clustering import AHEAD

BATCH = AHEAD  # items filed in one transaction; readers of the store never wait longer than that

_FILING = frozenset({"topics", "never_fold"})
_PUBLISHING = frozenset({"outputs", "topics", "site", "ranking", "service.publish"})


class Desk(Struct, frozen=True, kw_only=True):
    """The `organise` and `publish` pipelines over one store. Works on the store's thread.

    ``healed`` is how many items no longer stand where they were folded, as ops forbade it; only
    one that ``leads`` unfolds them.
    """

    organiser: Organiser
    publisher: Publisher
    stories: StoryPages
    archives: ArchivePages
    healed: int = 0
    leads: bool = True

    @classmethod
    def over(cls, store: Store, settings: Settings, *, leads: bool = True) -> "Desk":
        """Set up the desk as ``settings`` ask."""
        return cls(
            leads=leads,
            healed=heal(store, settings.never_fold) if leads else 0,
            organiser=_organiser(store, settings),
            publisher=_publisher(store, settings),
            archives=_archives(store, settings),
            stories=_stories(store, settings),
        )

    def renewed(self, store: Store, settings: Settings, sections: Collection[str]) -> "Desk":
        """Return the desk as ``settings`` ask, with anew only what ``sections`` concern.

        These are as in `aggregator.settings.Difference`.
        """
        desk = self
        if not _FILING.isdisjoint(sections):
            organiser = _organiser(store, settings)
            healed = heal(store, settings.never_fold) if self.leads else 0
            desk = replace(self, healed=healed, organiser=organiser)
        if not _PUBLISHING.isdisjoint(sections):
            desk = replace(
                desk,
                publisher=_publisher(store, settings),
                archives=_archives(store, settings),
                stories=_stories(store, settings),
            )
        return desk

    def file_some(self, now: datetime) -> int:
        """File one batch; return its size. 0 when nothing waits."""
        return self.organiser.organise(BATCH, now=now)

    def told_set_aside(self) -> tuple[tuple[str, str], ...]:
        """Return, once, the items that could not be filed, each with the reason."""
        told = tuple(self.organiser.set_aside)
        self.organiser.set_aside.clear()
        return told

    def bring_out(self, now: datetime) -> Published:
        """File all that waits, then publish."""
        while self.file_some(now):
            pass
        return self.publisher.publish(now)


def _organiser(store: Store, settings: Settings) -> Organiser:
    return Organiser(store, topics=settings.topics, never_fold=settings.never_fold)


def _publisher(store: Store, settings: Settings) -> Publisher:
    return Publisher(
        store,
        outputs=settings.outputs,
        topics=settings.topics,
        site=settings.site,
        ranking=settings.ranking,
        caution=Caution(
            hold=settings.service.publish.hold, most=settings.service.publish.new_at_once
        ),
        pages_kept=settings.service.publish.archive_pages,
    )


def _archives(store: Store, settings: Settings) -> ArchivePages:
    return ArchivePages(store, outputs=settings.outputs, site=settings.site)


def _stories(store: Store, settings: Settings) -> StoryPages:
    return StoryPages(
        store,
        outputs=settings.outputs,
        topics=settings.topics,
        site=settings.site,
        ranking=settings.ranking,
    )
