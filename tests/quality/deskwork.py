"""What do the sets of copies count with?"""

from dataclasses import dataclass

from aggregator.items.duplicates import Candidate, News, find
from aggregator.items.shelf import MemoryShelf


@dataclass
class Tally:
    """Right and wrong answers to "is it a copy?"."""

    found: int = 0
    missed: int = 0
    wrong: int = 0
    right: int = 0

    def count(self, *, is_copy: bool, said: bool) -> None:
        """Add one answer."""
        self.found += is_copy and said
        self.missed += is_copy and not said
        self.wrong += said and not is_copy
        self.right += not said and not is_copy

    def __add__(self, other: "Tally") -> "Tally":
        """Return both together."""
        return Tally(
            self.found + other.found,
            self.missed + other.missed,
            self.wrong + other.wrong,
            self.right + other.right,
        )

    def named(self, name: str) -> dict[str, float]:
        """Return recall and precision (0..1) and how many of each there were."""
        recall = self.found / max(1, self.found + self.missed)
        precision = self.found / max(1, self.found + self.wrong)
        return {
            f"{name} / recall": recall,
            f"{name} / precision": precision,
            f"{name} / copies count": self.found + self.missed,
            f"{name} / others count": self.wrong + self.right,
        }


class Desk:
    """Items in order of arrival, each folded under what it repeats."""

    def __init__(self) -> None:
        self.shelf = MemoryShelf()
        self._leads: list[str] = []

    def take(self, feed: str, title: str, text: str, place: str | None, *, owner: str = "") -> str:
        """Take an item in; return the id it goes by: its lead's, or its own."""
        news = News(title=title, text=text, canonical=place, feed=feed, owner=owner or feed)
        copy = find(news, self.shelf)
        number = len(self._leads) + 1
        self._leads.append(copy.lead if copy else str(number))
        self.shelf.add(
            Candidate(
                id=str(number),
                seq=number,
                lead=copy.lead if copy else None,
                title=title,
                text=text,
                canonical=place,
                feed=feed,
                owner=owner or feed,
            )
        )
        return self._leads[-1]
