from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.text.dates import parse_date
from aggregator.text.languages import language_tag, primary


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Tue, 04 Jun 2024 10:20:30 +0000", "2024-06-04T10:20:30"),
        ("Tue, 4 Jun 2024 10:20 GMT", "2024-06-04T10:20:00"),
        ("Tuesday, 04-Jun-24 10:20:30 GMT", "2024-06-04T10:20:30"),
        ("Tue Jun  4 10:20:30 2024", "2024-06-04T10:20:30"),
        ("Tue Jun 04 10:20:30 GMT 2024", "2024-06-04T10:20:30"),
        ("Tue Jun 04 2024 10:20:30 GMT+0200 (Central European Summer Time)", "2024-06-04T08:20:30"),
        ("Tue, Jun 4 2024 10:20:30 PM", "2024-06-04T22:20:30"),
        ("June 4, 2024 12:05 a.m.", "2024-06-04T00:05:00"),
        ("June 4th, 2024", "2024-06-04T00:00:00"),
        ("04 Jun 24 1500 GMT", "2024-06-04T15:00:00"),
        ("2024-06-04T10:20:30Z", "2024-06-04T10:20:30"),
        ("2024-06-04t10:20:30.999z", "2024-06-04T10:20:30"),
        ("2024-06-04T10:20:30.5+05:30", "2024-06-04T04:50:30"),
        ("2024-06-04T10:20-0500", "2024-06-04T15:20:00"),
        ("2024-06-04T10:20:30-05:00Z", "2024-06-04T15:20:30"),
        ("2024-06-04 10:20:30 UTC", "2024-06-04T10:20:30"),
        ("2024-06-04", "2024-06-04T00:00:00"),
        ("2024/6/4 10:20:30", "2024-06-04T10:20:30"),
        ("2024年06月04日 10:20", "2024-06-04T10:20:00"),
        ("20240604T102030Z", "2024-06-04T10:20:30"),
        ("20240604", "2024-06-04T00:00:00"),
        ("1717496430", "2024-06-04T10:20:30"),
        ("1717496430123", "2024-06-04T10:20:30"),
        ("04.06.2024 10:20", "2024-06-04T10:20:00"),
        ("26/06/2024 10:20", "2024-06-26T10:20:00"),
        ("06/26/2024 - 10:20pm", "2024-06-26T22:20:00"),
        ("Sat, 11 04 2020 08:51:49 +0100", "2020-04-11T07:51:49"),
        ("Di, 04 Juni 2024 10:20:30 +0200", "2024-06-04T08:20:30"),
        ("Do, 28 Mär 2024 10:20:30 +0100", "2024-03-28T09:20:30"),
        ("mar., 04 déc. 2024 10:20:30 +0100", "2024-12-04T09:20:30"),
        ("jeu, 01 août 2024 10:00:00 +0200", "2024-08-01T08:00:00"),
        ("Seg, 24 Set 2024 19:42:40 -0300", "2024-09-24T22:42:40"),
        ("4 de junio de 2024 10:20", "2024-06-04T10:20:00"),
        ("вт, 04 июня 2024 10:20:30 +0300", "2024-06-04T07:20:30"),
        ("Wt, 04 cze 2024 10:20:30 +0200", "2024-06-04T08:20:30"),
        ("Tue, 04 Jun 2024 10:20:30 &#43;0200", "2024-06-04T08:20:30"),
        ("Tue, 04 Jun 2024 24:00:00 GMT", "2024-06-05T00:00:00"),
        ("Mon, 30 Jun 1997 23:59:60 GMT", "1997-07-01T00:00:00"),
    ],
)
def test_shapes_that_publishers_write(raw: str, expected: str) -> None:
    assert parse_date(raw) == at(expected)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("GMT", 0), ("UT", 0), ("Z", 0), ("", 0), ("EST", -5), ("EDT", -4), ("CST", -6),
        ("CDT", -5), ("MST", -7), ("MDT", -6), ("PST", -8), ("PDT", -7), ("BST", 1), ("CET", 1),
        ("CEST", 2), ("MESZ", 2), ("EET", 2), ("EEST", 3), ("MSK", 3), ("IST", 5.5), ("PKT", 5),
        ("NPT", 5.75), ("WIB", 7), ("SGT", 8), ("HKT", 8), ("JST", 9), ("KST", 9), ("AEST", 10),
        ("AEDT", 11), ("ACST", 9.5), ("NZST", 12), ("NZDT", 13), ("+0530", 5.5), ("-03:30", -3.5),
        ("GMT+2", 2), ("GMT-07:00", -7), ("UTC+05:45", 5.75), ("+00:0", 0), ("+99:99", 0),
        ("Europe/Brussels", 2), ("America/Los_Angeles", -7), ("Nowhere/Atall", 0), ("A", 0),
        ("QQT", 0),
    ],
)  # fmt: skip
def test_zones_mean_what_they_mean_in_feeds(zone: str, hours: float) -> None:
    found = parse_date(f"Tue, 04 Jun 2024 10:00:00 {zone}")
    assert found == at("2024-06-04T10:00:00") - timedelta(hours=hours)


@pytest.mark.conforms("D35")
@pytest.mark.parametrize(
    "raw",
    [
        "", "null", "Tue,", "Invalid Date", "Tomorrow", "<br />", "12:30", "Nov. 2020", "2024",
        "0000-00-00 00:00:00", "Mon, 01 Jan 0001 00:00:00 +0000", "Fri, 31 Dec 9999 23:59:59 GMT",
        "10000-01-01", "999999999999", "Thu, 01 Jan 1970 00:00:00 GMT", "1 Jan 2199",
        "31 Feb 2024 10:00:00 GMT", "2024-13-01", "2024-02-30T10:00:00Z", "11/04/2020",
        "Tue, 04 Jun 2024 25:00:00 GMT", "2024-06-04T10:61:00Z", "04 Foo 2024 10:00:00 GMT",
    ],
)  # fmt: skip
def test_what_is_no_believable_day_is_none(raw: str) -> None:
    assert parse_date(raw) is None


@settings(deadline=None)
@given(st.text(alphabet="0123456789-/:. TZ+JanuMonWed,年月日&#;()é\x00", max_size=150))
def test_no_text_raises_and_every_date_is_aware_and_in_range(raw: str) -> None:
    found = parse_date(raw)
    assert found is None or (found.tzinfo is UTC and 1990 <= found.year <= 2100)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_date_written_by_the_standards_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    month = months[3 * moment.month - 3 : 3 * moment.month]
    rfc = f"{days[moment.weekday()]}, {moment.day:02} {month} {moment:%Y %H:%M:%S} GMT"
    assert parse_date(rfc) == moment
    assert parse_date(moment.isoformat()) == moment


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("en", "en"), ("en_US", "en-US"), ("EN-us", "en-US"), ("en-US.UTF-8", "en-US"),
        ("zh-hans-cn", "zh-Hans-CN"), ("es-419", "es-419"), ("English", "en"), ("deu", "de"),
        ("de-AT, en", "de-AT"), ("iw", "he"), ("ast", "ast"), ("sl-rozaj", "sl-rozaj"), ("", None),
        ("und", None), ("x", None), ("1234", None), ("<b>", None), ("en-", None),
    ],
)  # fmt: skip
def test_a_language_is_a_tag_or_nothing(raw: str, tag: str | None) -> None:
    assert language_tag(raw) == tag


def test_the_language_alone() -> None:
    assert primary("zh-Hans-CN") == "zh"
