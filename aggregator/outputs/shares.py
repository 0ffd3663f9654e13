"""How many places of an output may one owner take?"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from aggregator.model.editions import OutputSpec

_Listed = TypeVar("_Listed")

POOL = 4  # times an output's limit: among so many, others are looked for to take the places


class Share:
    """What each owner has taken of an output's places.

    The cap is hard where ops set one. Otherwise it is half of the list, and gives way where
    others leave places empty.
    """

    def __init__(self, spec: OutputSpec) -> None:
        self.most = spec.per_owner or max(1, (spec.limit + 1) // 2)
        self._hard = spec.per_owner is not None
        self._taken = Counter[str]()

    def take(self, owner: str) -> None:
        """Give ``owner`` a place."""
        self._taken[owner] += 1

    def give_back(self, owner: str) -> None:
        """Take a place of ``owner`` away."""
        self._taken[owner] -= 1

    def is_full(self, owner: str) -> bool:
        """Tell whether ``owner`` has its share."""
        return self._taken[owner] >= self.most

    def refuses(self, owner: str) -> bool:
        """Tell whether ``owner`` may have no further place, even if it stays empty."""
        return self._hard and self.is_full(owner)


def shared_out(
    pool: Sequence[_Listed], spec: OutputSpec, owner: Callable[[_Listed], str]
) -> tuple[_Listed, ...]:
    """Choose from ``pool``, the first preferred, with each owner's share kept.

    What stays empty goes to those who had their share, the first again preferred: to nothing that
    would not stand there if nobody had one. So what made room for others does not come back later.
    """
    share, chosen, over = Share(spec), list[_Listed](), list[_Listed]()
    for one in pool:
        if len(chosen) == spec.limit:
            break
        if not share.is_full(owner(one)):
            share.take(owner(one))
            chosen.append(one)
        elif not share.refuses(owner(one)):
            over.append(one)
    return (*chosen, *over[: spec.limit - len(chosen)])


def is_contested(
    pool: Iterable[_Listed], spec: OutputSpec, owner: Callable[[_Listed], str]
) -> bool:
    """Tell whether one owner has more than its share of ``pool``."""
    most = Counter(owner(one) for one in pool).most_common(1)
    return bool(most) and most[0][1] > Share(spec).most
