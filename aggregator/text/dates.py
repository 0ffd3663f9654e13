"""Which moment does a publisher's date mean?"""

import html
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from aggregator.text.patterns import late
from aggregator.text.zones import zone_of

EARLIEST, LATEST = 1990, 2100  # years; feeds are younger, and a date beyond is a slip or a joke
MAX_DATE = 120  # characters; the longest honest one seen has 60

# Beginnings of month names, letters without accents: en de fr es pt it nl sv da pl ru uk tr cs el.
_MONTHS = {
    1: "jan gen ene янв січ oca sty led ιαν",
    2: "feb fev fevr фев лют sub lut uno φεβ",
    3: "mar maa mae mrz мар бер bre μαρ",
    4: "apr avr abr апр кві nis kwi dub απρ",
    5: "may mai mag maj mei мая май мае тра kve μαι μαϊ",
    6: "jun giu juin июн чер haz cze cer ιουν",
    7: "jul lug juil июл лип tem lip cvc cervence ιουλ",
    8: "aug aou ago авг сер agu sie srp αυγ",
    9: "sep set сен вер eyl wrz zar σεπ",
    10: "oct okt ott out окт жов eki paz rij οκτ",
    11: "nov ноя лис kas lis νοε",
    12: "dec dez dic des дек гру ara gru pro δεκ",
}
_BY_STEM = {stem: month for month, stems in _MONTHS.items() for stem in stems.split()}
_LONGEST = max(map(len, _BY_STEM))

_CLOCK = (
    r"(?P<hour>\d{1,2})[:h.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?"
)
_ISO = late(
    r"(?P<year>\d{4})(?P<mark>[-/.年])\s?(?P<month>\d{1,2})"
    r"(?:[-/.月]\s?(?P<day>\d{1,2})日?)?(?:[T\s,_-]+" + _CLOCK + r")?(?P<zone>.*)",
    re.IGNORECASE,
)
_COMPACT = late(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?(?P<half>)(?P<zone>Z?)"
)
_EPOCH = late(r"\d{10}(?:\d{3})?")
_ENGLISH = late(r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>)(?P<half>)(?=\s|$)")  # 1500 GMT
_DAY_FIRST = late(
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s/,.-]*(?:de\s|of\s)?(?P<name>[^\W\d_]{3,12})"
    r"\.?[\s/,.-]*(?:de\s)?(?P<year>\d{4}|\d{2}(?!\d|:))"
)
_MONTH_FIRST = late(
    r"(?P<name>[^\W\d_]{3,12})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?[,\s]\s*(?P<year>\d{4})(?!\d)"
)
_ASCTIME = late(
    r"(?P<name>[^\W\d_]{3,12})\s+(?P<day>\d{1,2})\s+" + _CLOCK + r"\s*(?P<zone>.*?)\s*"
    r"(?P<year>\d{4})$",
    re.IGNORECASE,
)
_NUMERIC = late(
    r"(?P<first>\d{1,2})(?P<mark>[/. -])(?P<second_>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2}(?!\d|:))"
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = late(r"(?<![\d+-])" + _CLOCK, re.IGNORECASE)
_COMMENT = late(r"\([^()]*\)")


@lru_cache(maxsize=4096)
def parse_date(raw: str) -> datetime | None:
    """Return the moment that ``raw`` means, aware and UTC, to the second; None when unbelievable.

    RFC 822 with the zone names that feeds use (see `aggregator.text.zones`), RFC 3339 and ISO 8601,
    and what publishers write instead, month names in fifteen languages included. Without a zone
    it is UTC. None for what names no whole day, for impossible days, for a day that could be read
    in two ways, and for years outside 1990..2100: the time first seen is more honest than those.
    """
    text = " ".join(_COMMENT.sub(" ", html.unescape(raw[:MAX_DATE])).split())
    for found in _readings(text):
        if found is not None:
            return found
    return None


def _readings(text: str) -> Iterator[datetime | None]:
    if found := _ISO.fullmatch(text):
        yield _iso(found)
        return  # a year in front is never anything else: 2020/1/10 is no November
    if found := _COMPACT.fullmatch(text):
        yield _moment(found, _fields(found), found["zone"])
    if _EPOCH.fullmatch(text):
        yield _believable(datetime.fromtimestamp(int(text[:10]), UTC))
        return
    if found := _ASCTIME.search(text):
        month = _month(found["name"])
        yield _moment(found, (int(found["year"]), month, int(found["day"])), found["zone"])
    for pattern in (_DAY_FIRST, _MONTH_FIRST):
        for found in pattern.finditer(text):
            yield _with_time(_named(found), text[found.end() :])
    if found := _NUMERIC.search(text):
        yield _with_time(_ordered(found, text), text[found.end() :])


def _iso(found: re.Match[str]) -> datetime | None:
    if found["day"] is None:
        return None  # a month is no date
    return _moment(found, _fields(found), found["zone"])


def _fields(found: re.Match[str]) -> tuple[int, int, int]:
    return int(found["year"]), int(found["month"]), int(found["day"])


def _named(found: re.Match[str]) -> tuple[int, int, int]:
    return _year(found["year"]), _month(found["name"]), int(found["day"])


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 2:  # RFC 2822 section 4.3, moved on by twenty years
        year += 1900 if year >= 70 else 2000
    return year


def _ordered(found: re.Match[str], text: str) -> tuple[int, int, int]:
    """Read 26/06/2020: dots put the day first; else one order is impossible or the weekday tells.

    11/04/2020 is April in London and November in New York: (0, 0, 0), unless it says "Sat".
    """
    first, second, year = int(found["first"]), int(found["second_"]), _year(found["year"])
    if found["mark"] == "." or first > 12 or first == second:
        return year, second, first
    if second > 12:
        return year, first, second
    weekday = text[:3].lower()
    for month, day in ((second, first), (first, second)):
        if month and day and _WEEKDAYS[date(year, month, day).weekday()] == weekday:
            return year, month, day
    return 0, 0, 0


def _month(name: str) -> int:
    bare = unicodedata.normalize("NFD", name.casefold())
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    for length in range(min(_LONGEST, len(bare)), 2, -1):
        if month := _BY_STEM.get(bare[:length]):
            return month
    return 0


def _with_time(day: tuple[int, int, int], rest: str) -> datetime | None:
    clock = _TIME.search(rest) or _ENGLISH.match(rest.strip())
    if clock is None:
        return _moment(None, day, "")
    after = rest.strip() if clock.re is _ENGLISH else rest
    return _moment(clock, day, after[clock.end() :])


def _moment(clock: re.Match[str] | None, day: tuple[int, int, int], zone: str) -> datetime | None:
    try:
        midnight = datetime(*day, tzinfo=UTC)
        moment = midnight if clock is None else midnight + _since_midnight(clock)
        return _believable(moment.replace(tzinfo=zone_of(zone.strip(), moment)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _since_midnight(clock: re.Match[str]) -> timedelta:
    hour, minute = int(clock["hour"] or 0), int(clock["minute"] or 0)
    second = int(clock["second"] or 0)
    if clock["half"] and hour <= 12:
        hour = hour % 12 + (12 if clock["half"].lower().startswith("p") else 0)
    # 24:00 is the end of the day (ISO 8601 section 4.2.3), 60 a leap second (RFC 3339 section 5.6)
    if hour > 24 or minute > 59 or second > 60:
        raise ValueError("no such time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _believable(moment: datetime) -> datetime | None:
    return moment if EARLIEST <= moment.year <= LATEST else None
