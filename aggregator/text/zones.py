"""How far from UTC is a zone, by the name that feeds give it?"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.text.patterns import late

# Hours east of UTC: those of RFC 822 section 5.1 and more. Names that several places use mean what
# they mean in news feeds: the reading of the many publishers who write them, noted at a choice.
_HOURS: dict[str, float] = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "ET": -5, "CT": -6, "MT": -7, "PT": -8,  # said without the season: standard time
    "AKST": -9, "AKDT": -8, "HST": -10, "NST": -3.5, "NDT": -2.5,
    "AST": -4, "ADT": -3,  # Atlantic Canada; Arabia writes +0300
    "BST": 1,  # British Summer Time, not Bangladesh
    "IST": 5.5,  # India: its publishers write it, Israel and Ireland do not
    "WEST": 1, "CET": 1, "MET": 1, "MEZ": 1, "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "MSD": 4, "TRT": 3, "IDT": 3, "IRST": 3.5, "SAST": 2, "WAT": 1, "CAT": 2, "EAT": 3,
    "GST": 4,  # the Gulf, not Guam
    "PKT": 5, "NPT": 5.75, "SLST": 5.5, "BDT": 6, "ICT": 7, "WIB": 7, "WITA": 8, "WIT": 9,
    "SGT": 8, "MYT": 8, "HKT": 8, "PHT": 8, "JST": 9, "KST": 9,
    "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "BRT": -3, "BRST": -2, "ART": -3, "CLT": -4, "CLST": -3, "COT": -5, "PET": -5, "VET": -4,
}  # fmt: skip
_OFFSET = late(
    r"(?:UTC|GMT|UT)?\s*(?P<sign>[+\u2212-])\s?(?P<hours>\d{1,2})(?::?(?P<minutes>\d{1,2}))?Z?(?:\s.*)?",
    re.IGNORECASE,
)
_PLACE = late(r"[A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?")
_NAME = late(r"[A-Za-z]+")


def zone_of(name: str, local: datetime) -> tzinfo:
    """Return the zone that ``name`` means at the local time ``local`` (its own zone is ignored).

    Numeric offsets, the names above, places (``America/New_York``). Everything else, the military
    letters included, is UTC, as RFC 2822 section 4.3 has it: wrong by hours, but never lost.
    """
    if found := _OFFSET.fullmatch(name):
        return _offset(found)
    if found := _PLACE.match(name):
        return _place(found[0], local)
    known = _NAME.match(name)
    hours = _HOURS.get(known[0].upper(), 0.0) if known else 0.0
    return timezone(timedelta(hours=hours)) if hours else UTC


def _offset(found: re.Match[str]) -> tzinfo:
    hours, minutes = int(found["hours"]), int(found["minutes"] or 0)
    if hours > 14 or minutes > 59:  # no place is further away; +99:99 is nowhere
        return UTC
    east = timedelta(hours=hours, minutes=minutes)
    return timezone(east if found["sign"] == "+" else -east)


def _place(name: str, local: datetime) -> tzinfo:
    try:
        offset = ZoneInfo(name).utcoffset(local.replace(tzinfo=None))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
    return timezone(offset) if offset else UTC
