"""When does this feed bring something new?

Entries are counted by hour of the day and by day of the week, and forgotten by half every two
weeks. From that follows how long to wait until something new is likely enough to ask.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from math import log

from aggregator.model.feeds import Rhythm
from aggregator.model.visits import Arrivals

HALF_LIFE = timedelta(days=14)  # two weekends weigh enough to tell them from working days
TARGET = 0.25  # entries expected by the time we ask: a reader waits an eighth of the mean gap
QUIET = timedelta(days=30)  # CommaFeed's: silent this long, a feed is asked as rarely as any

_HOUR = timedelta(hours=1)
_COUNTED = timedelta(days=60)
_PRIOR = 2.0  # entries: what the usual interval is worth as a guess, until something is seen
_LIKE_ANY = 6.0  # entries: what "every hour is alike" is worth as a guess
_HOURS_TOLD, _DAYS_TOLD = timedelta(days=3), timedelta(days=14)  # until hours, days are told apart
_ANYTIME = 0.1  # of the pace holds at any hour: news breaks at night as well


def learned(
    rhythm: Rhythm | None, arrivals: Arrivals, *, last: datetime | None, now: datetime
) -> Rhythm:
    """Return ``rhythm`` with the entries of one document counted.

    ``last`` is the last good visit: what is new since came since then, whatever date it bears.
    The entries of a first document are counted where their dates say.
    """
    came = tuple(_came(arrivals, last, now))
    if rhythm is None:
        rhythm = Rhythm(since=_beginning(came, now), at=now)
    if not came:
        return rhythm
    kept = _faded(now - rhythm.at)
    hours = [count * kept for count in rhythm.hours]
    days = [count * kept for count in rhythm.days]
    for moment in came:
        worth = _faded(now - moment)
        hours[moment.hour] += worth
        days[moment.weekday()] += worth
    newest = max(came)
    return Rhythm(
        since=rhythm.since,
        at=now,
        newest=newest if rhythm.newest is None else max(newest, min(rhythm.newest, now)),
        hours=tuple(round(count, 3) for count in hours),
        days=tuple(round(count, 3) for count in days),
    )


def news_wait(rhythm: Rhythm, *, now: datetime, usual: timedelta, most: timedelta) -> timedelta:
    """Return the wait from ``now`` until a quarter of an entry is expected, at most ``most``.

    Of a feed of which nothing was seen yet, it is ``usual``: that guess weighs as much as two
    entries, so the first days move it gently.
    """
    pace = _pace(rhythm, now, usual)
    watched = now - rhythm.since
    hours = _shape(_smooth(rhythm.hours), watched / _HOURS_TOLD)
    days = _shape(rhythm.days, watched / _DAYS_TOLD)
    began = now.replace(minute=0, second=0, microsecond=0)
    waited, day = 0.0, now.weekday()
    # In numbers, as moments take ten times as long: this is asked twice for every visit.
    for turn in range(now.hour, now.hour - (began - now - most) // _HOUR):
        rate = pace * hours[turn % 24] * days[(day + turn // 24) % 7]
        first = turn == now.hour
        gain = rate * ((began + _HOUR - now) / _HOUR) if first else rate
        if waited + gain >= TARGET:
            start = timedelta() if first else began - now + _HOUR * (turn - now.hour)
            return min(start + _HOUR * ((TARGET - waited) / rate), most)
        waited += gain
    return most


def expected(rhythm: Rhythm, start: datetime, end: datetime, *, usual: timedelta) -> float:
    """Return how many entries were to be expected from ``start`` to ``end``.

    By the pace at ``start``, the hours of the day and the days of the week; of at most 60 days.
    """
    pace = _pace(rhythm, start, usual)
    watched = start - rhythm.since
    hours = _shape(_smooth(rhythm.hours), watched / _HOURS_TOLD)
    days = _shape(rhythm.days, watched / _DAYS_TOLD)
    found, moment, end = 0.0, start, min(end, start + _COUNTED)
    while moment < end:
        turn = moment.replace(minute=0, second=0, microsecond=0) + _HOUR
        rate = pace * hours[moment.hour] * days[moment.weekday()]
        found += rate * ((min(turn, end) - moment) / _HOUR)
        moment = turn
    return found


def silence_wait(rhythm: Rhythm, *, now: datetime, most: timedelta) -> timedelta:
    """Return a thirtieth of the silence for each day of ``most``: after 30 silent days, ``most``.

    The histogram alone forgets too slowly: who posted hourly and stopped would be asked for weeks.
    """
    silence = max(now - (rhythm.newest or rhythm.since), timedelta())
    return most * min(silence / QUIET, 1.0)


def _came(arrivals: Arrivals, last: datetime | None, now: datetime) -> Iterator[datetime]:
    for dated in arrivals.times:
        if arrivals.first or last is None:
            if dated is not None and dated <= now:
                yield dated
        else:
            yield now if dated is None else min(max(dated, last), now)


def _beginning(came: Sequence[datetime], now: datetime) -> datetime:
    """Return since when a first document tells of everything: its oldest tenth may be pinned."""
    ordered = sorted(came, reverse=True)
    return ordered[(len(ordered) * 9 - 1) // 10] if ordered else now


def _pace(rhythm: Rhythm, now: datetime, usual: timedelta) -> float:
    """Return the entries expected in an average hour."""
    seen = sum(rhythm.hours) * _faded(now - rhythm.at)
    # What fades counts for less on both sides: hours long ago weigh as little as their entries.
    span = (HALF_LIFE / _HOUR) / log(2) * (1 - _faded(now - rhythm.since))
    return (seen + _PRIOR) / (span + _PRIOR * (usual / _HOUR) / TARGET)


def _shape(counts: Sequence[float], told: float) -> tuple[float, ...]:
    """Return by how much each cell is busier than the average one; the mean is 1.

    ``told`` is 1 when all cells were watched long enough: a Monday that was never seen is not
    silent.
    """
    cells, alike = len(counts), _LIKE_ANY / len(counts)
    total = sum(counts) + _LIKE_ANY
    flat = max(_ANYTIME, 1 - max(told, 0))
    return tuple([flat + (1 - flat) * cells * (count + alike) / total for count in counts])


@lru_cache(maxsize=256)  # a visit asks twice
def _smooth(counts: tuple[float, ...]) -> tuple[float, ...]:
    """Lend each hour's entries to its neighbours: publishers are not that punctual."""
    before, after = (*counts[-1:], *counts[:-1]), (*counts[1:], *counts[:1])
    around = zip(before, counts, after, strict=True)
    return tuple([one / 4 + count / 2 + other / 4 for one, count, other in around])


def _faded(age: timedelta) -> float:
    return float(0.5 ** (max(age, timedelta()) / HALF_LIFE))
