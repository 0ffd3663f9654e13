"""How are times and long texts put for people?"""

from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from aggregator.model.editions import Kind

STANDFIRST = 280  # characters; a standfirst is read at a glance

USUAL = {
    Kind.LATEST: ("Latest", "Everything, newest first, nothing twice."),
    Kind.DIGEST: ("Digest", "What mattered, put together at fixed times."),
    Kind.TOP: ("Top News", "What matters now: one entry per story, with everyone who reports it."),
}
"""Title and description of an output of each kind of which ops say nothing."""

SELECTION = "A selection of what comes in, newest first, nothing twice."
"""Description of a Latest output with a filter of which ops say nothing."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Moment(Struct, frozen=True, kw_only=True):
    """A time: ``iso`` for machines, ``text`` for people, ``clock`` the same without the zone."""

    iso: str
    text: str
    clock: str


def moment(at: datetime, today: date) -> Moment:
    """Return ``at`` (aware) in UTC as ``14:05 UTC``, with its date when that is not ``today``."""
    at = at.astimezone(UTC)
    clock = f"{at:%H:%M}"
    if at.date() != today:
        year = f" {at.year}" if at.year != today.year else ""
        clock = f"{at.day} {_MONTHS[at.month - 1]}{year}, {clock}"
    return Moment(iso=f"{at:%Y-%m-%dT%H:%M:%SZ}", text=f"{clock} UTC", clock=clock)


def long_date(day: date) -> str:
    """Return ``Monday, 20 September 2021``; strftime would ask the machine's locale."""
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def shortened(text: str, limit: int) -> str:
    """Return ``text`` as one line of at most ``limit`` characters, cut at a word where it can."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    # Scripts without spaces are cut anywhere.
    words = cut.rpartition(" ")[0]
    kept = words if len(words) > limit // 2 else cut
    return kept.rstrip(" ,;:–—-") + "…"


def ago(span: timedelta) -> str:
    """Say how long ``span`` is, in its largest unit of which there are two: 90 min, 3 h, 20 d."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
