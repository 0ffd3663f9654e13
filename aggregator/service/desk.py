"""What happens after a visit? The wire desk: file what came in, then bring out new editions."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The `organise` and `publish` pipelines over one store. Works on the store's thread.

    ``healed`` is how many items no longer stand where they were folded, as ops forbade it.
    """

    organiser: Organiser
    publisher: Publisher
    stories: StoryPages
    archives: ArchivePages
    healed: int = 0

    @classmethod
    def over(cls, store: Store, settings: Settings, *, leads: bool = True) -> "Desk":
        """Set up the desk as ``settings`` ask; only one that ``leads`` unfolds what they forbid."""
        return cls(
            healed=heal(store, settings.never_fold) if leads else 0,
            organiser=Organiser(store, topics=settings.topics, never_fold=settings.never_fold),
            publisher=Publisher(
                store,
                outputs=settings.outputs,
                topics=settings.topics,
                site=settings.site,
                ranking=settings.ranking,
                caution=Caution(
                    hold=settings.service.publish.hold, most=settings.service.publish.new_at_once
                ),
                pages_kept=settings.service.publish.archive_pages,
            ),
            archives=ArchivePages(store, outputs=settings.outputs, site=settings.site),
            stories=StoryPages(
                store,
                outputs=settings.outputs,
                topics=settings.topics,
                site=settings.site,
                ranking=settings.ranking,
            ),
        )

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
