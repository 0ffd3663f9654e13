"""Would a publisher welcome us?

Judged from our own log of what we sent and when, not from what we meant to do: the counters of
Rachel Kroll's feed reader score, as far as one of us can keep them of ourselves.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.feeds import Validators
from aggregator.model.visits import Answer, Fetched, Logged, NotModified
from aggregator.sources.fetch import Exchange

_WHOLE = "asked for the whole document, though it could be asked for changes"
_EARLY = "began before it was due (`poll --again`, or the clock was set back)"
_CLOSE = "followed the one before too closely"
# Of a body that was not taken in, the validators are not taken either: it is asked for again.
_NOT_TAKEN = frozenset({"failed", "refused", "unreadable", "emptied", None})


class Politeness(Struct, frozen=True, kw_only=True):
    """The share of ``visits`` without a fault, in ``points`` of 100, rounded down.

    ``faults`` say what was wrong, and of how many visits. ``remarks`` tell of what the publisher
    could do to make our visits cheaper.
    """

    points: int
    visits: int
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


UNTRIED = Politeness(points=100, visits=0)


def place_of(url: str) -> int:
    """Return a number that stands for ``url`` in the log (32 bits)."""
    return int.from_bytes(sha256(url.encode()).digest()[:4])


def ended(
    begun: Logged, log: Sequence[Exchange], answer: Answer, *, outcome: str, new: int
) -> Logged:
    """Return what to remember of a visit that has ``begun``, after it made the requests ``log``."""
    validators = answer.validators if isinstance(answer, Fetched | NotModified) else None
    told = replace(begun, outcome=outcome, new=new, gave=_useful(validators))
    if not log:  # refused before anything went out
        return replace(told, requests=0)
    return replace(
        told,
        place=place_of(log[-1].url),
        conditional=log[-1].conditional,
        requests=len(log),
        status=log[-1].status,
        size=sum(exchange.size for exchange in log),
    )


def politeness(visits: Sequence[Logged], *, least: timedelta) -> Politeness:
    """Judge ``visits`` to one feed, in order; ``least`` is the shortest time between two."""
    asked = [visit for visit in visits if visit.requests]
    if not asked:
        return UNTRIED
    faults = list(_faults(asked, least))
    wrong = len({number for number, _ in faults})
    counted = Counter(fault for _, fault in faults)
    return Politeness(
        points=100 * (len(asked) - wrong) // len(asked),
        visits=len(asked),
        faults=tuple(f"{count} of {len(asked)} {fault}" for fault, count in counted.items()),
        remarks=tuple(_remarks(asked)),
    )


def _useful(validators: Validators | None) -> bool:
    return validators is not None and (validators.etag or validators.last_modified) is not None


def _faults(visits: Sequence[Logged], least: timedelta) -> Iterator[tuple[int, str]]:
    """Yield (which visit, what was wrong with it)."""
    given: dict[int, bool] = {}
    for number, visit in enumerate(visits):
        if given.get(visit.place) and not visit.conditional:
            yield number, _WHOLE
        if visit.at < visit.due:
            yield number, _EARLY
        if visit.status in {200, 304} and visit.outcome not in _NOT_TAKEN:
            given[visit.place] = visit.gave
    for number, (before, visit) in enumerate(pairwise(visits), start=1):
        if timedelta() <= visit.at - before.at < least:
            yield number, _CLOSE


def _remarks(visits: Sequence[Logged]) -> Iterator[str]:
    whole = [visit for visit in visits if visit.status == 200 and visit.outcome not in _NOT_TAKEN]
    if whole and not any(visit.gave for visit in whole):
        yield "it gives no ETag and no Last-Modified: every visit costs the whole document"
    ignored = sum(visit.conditional and visit.outcome == "unchanged" for visit in whole)
    if ignored:
        yield f"{ignored} times it sent a document again that had not changed"
    if len(visits) > 2 and all(visit.requests > 1 for visit in visits):
        yield "it redirects every visit"
