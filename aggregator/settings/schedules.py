"""When is a digest put together, in words?

``every day at 07:00 Europe/London, top 10``
"""

import re
from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, InstanceOf

from aggregator.model.editions import Kind, Schedule
from aggregator.settings.kinds import suggest, written

EXAMPLE = "every day at 07:00 Europe/London, top 10"
MOST = 100  # entries of an issue

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"day": (0, 1, 2, 3, 4, 5, 6), "weekday": (0, 1, 2, 3, 4), "weekend": (5, 6)}
_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_TEXT = (
    rf"every (?P<days>day|weekday|weekend|{_DAY}(?:(?:, | and ){_DAY})*)"
    r" at (?P<hour>\d{1,2}):(?P<minute>\d\d)(?: (?P<zone>[A-Za-z][A-Za-z0-9_+/-]*))?"
    r", (?P<lists>top|latest) (?P<most>\d{1,3})"
)
_PLAIN = re.sub(r"\?P<\w+>", "", _TEXT)


def schedule(text: object) -> Schedule:
    """Read a schedule; ValueError says what is wrong with it. Without a zone it is UTC."""
    if isinstance(text, Schedule):
        return text
    found = re.fullmatch(_TEXT, str(text))
    if not found:
        raise ValueError(f"is not a schedule; write {EXAMPLE}")
    hour, minute, most = int(found["hour"]), int(found["minute"]), int(found["most"])
    if hour > 23 or minute > 59:
        raise ValueError("has a time that no clock shows; write 07:00")
    if not 1 <= most <= MOST:
        raise ValueError(f"lists too few or too many; write top 1 to top {MOST}")
    return Schedule(
        days=_days(found["days"]),
        time=time(hour, minute),
        zone=_zone(found["zone"] or "UTC"),
        lists=Kind(found["lists"]),
        most=most,
    )


def _days(text: str) -> tuple[int, ...]:
    if text in _GROUPS:
        return _GROUPS[text]
    return tuple(sorted({_DAYS.index(name) for name in re.findall(_DAY, text)}))


def _zone(name: str) -> ZoneInfo:
    known = available_timezones()
    if name not in known:
        likely = suggest(name, tuple(sorted(known)))
        likely = likely if likely.startswith("did") else "write one such as Europe/London"
        raise ValueError(f"names a time zone that nobody knows; {likely}")
    return ZoneInfo(name)


When = Annotated[InstanceOf[Schedule], BeforeValidator(schedule), written(_PLAIN, EXAMPLE)]
"""A schedule in words."""
