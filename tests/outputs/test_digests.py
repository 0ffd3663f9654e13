"""When an issue of a digest is due, whatever the clocks do, and what it says."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.editions import (
    Also,
    Edition,
    EditionEntry,
    Format,
    Kind,
    OutputSpec,
    Schedule,
    Site,
    Source,
)
from aggregator.model.published import Stay
from aggregator.outputs import documents, pages
from aggregator.outputs.digests import due, edition_of, issue_of, not_told
from aggregator.outputs.standing import Candidate

NOW = datetime(2026, 3, 3, 7, 0, 2, tzinfo=UTC)
SITE = Site(base_url="https://wire.example", installation="x", title="Wire")
DAILY = Schedule(
    days=tuple(range(7)), time=time(7), zone=ZoneInfo("Europe/London"), lists=Kind.TOP, most=10
)
SPEC = OutputSpec(name="morning", kind=Kind.DIGEST, title="Morning brief", schedule=DAILY)
MINUTE = timedelta(minutes=1)


def issues(schedule: Schedule, first: datetime, last: datetime, step: timedelta) -> Iterator[date]:
    """Yield the day of each issue that is made when somebody looks every ``step``."""
    made: date | None = None
    while first <= last:
        found = due(schedule, first)
        if found and (made is None or found.day > made):
            made = found.day
            yield made
        first += step


@pytest.mark.parametrize(
    ("zone", "at", "day", "utc"),
    [
        ("Europe/London", "07:00", "2026-03-28", "2026-03-28T07:00"),
        ("Europe/London", "07:00", "2026-03-29", "2026-03-29T06:00"),  # clocks went forward
        ("Europe/London", "01:30", "2026-03-29", "2026-03-29T01:30"),  # which is 02:30: no 01:30
        ("Europe/London", "01:30", "2026-10-25", "2026-10-25T00:30"),  # the first of two
        ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:30"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:45"),  # by half an hour
        ("Africa/Cairo", "00:00", "2026-04-24", "2026-04-23T22:00"),  # begins at one o'clock
    ],
)
def test_an_issue_is_due_when_the_clocks_of_its_zone_say_so(
    zone: str, at: str, day: str, utc: str
) -> None:
    schedule = replace(DAILY, zone=ZoneInfo(zone), time=time.fromisoformat(at))
    moment = datetime.fromisoformat(f"{utc}:00+00:00")
    found = due(schedule, moment)
    assert found
    assert (found.day.isoformat(), found.at) == (day, moment)
    before = due(schedule, moment - MINUTE)
    assert before
    assert before.day == found.day - timedelta(days=1)


ZONES = sorted(zone for zone in available_timezones() if "/" in zone)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(ZONES), st.times(), st.dates(date(2015, 1, 1), date(2030, 1, 1)))
def test_every_day_has_one_issue_in_every_zone_of_the_world(
    zone: str, at: time, start: date
) -> None:
    schedule = replace(DAILY, zone=ZoneInfo(zone), time=at.replace(second=0, microsecond=0))
    first = datetime.combine(start, time(0), UTC)
    made = list(issues(schedule, first, first + timedelta(days=40), timedelta(minutes=45)))
    assert made == [made[0] + timedelta(days=n) for n in range(len(made))]
    assert len(made) in {40, 41, 42}  # the first and the last day are not whole everywhere


def test_a_day_that_a_zone_leaves_out_has_no_issue() -> None:
    """Samoa went from 29 to 31 December 2011."""
    schedule = replace(DAILY, zone=ZoneInfo("Pacific/Apia"))
    first = datetime(2011, 12, 28, tzinfo=UTC)
    made = [day.day for day in issues(schedule, first, first + timedelta(days=5), 10 * MINUTE)]
    assert made == [27, 28, 29, 31, 1, 2]


def test_only_the_days_of_the_schedule_have_issues_and_a_week_away_finds_the_last() -> None:
    sundays = replace(DAILY, days=(6,))
    found = due(sundays, NOW)
    assert found
    assert found.day == date(2026, 3, 1)
    assert due(replace(DAILY, days=()), NOW) is None


def entry(number: int, **wishes: object) -> EditionEntry:
    at = NOW - number * MINUTE
    plain = EditionEntry(
        id=f"s{number}",
        title=f"Toll <{number}>",
        link=f"https://post.example/{number}?a&b",
        published=at,
        updated=at,
        summary="It is two crowns & more.",
        source=Source(title="Post & Co", url="https://post.example/rss"),
    )
    return replace(plain, **wishes)


def test_an_issue_lists_headlines_with_sources_times_and_standfirsts() -> None:
    also = Also(title="t", link="", source="Herald", owner="h", published=NOW)
    listed = [entry(1, also=(also, also), image="https://post.example/i.jpg"), entry(2)]
    issue = issue_of(SPEC, listed, date(2026, 3, 3), SITE, now=NOW)

    assert issue.title == "Morning brief: Tuesday, 3 March 2026"
    assert issue.summary == "Toll <1> · Toll <2>"
    assert issue.image == "https://post.example/i.jpg"
    assert issue.content_html.startswith(
        '<ol><li><p><strong><a href="https://post.example/1?a&amp;b">Toll &lt;1&gt;</a></strong>'
        '<br>Post &amp; Co, and 2 others, <time datetime="2026-03-03T06:59:02Z">'
        "2026-03-03 06:59 UTC</time></p><p>It is two crowns &amp; more.</p></li>"
    )


def test_what_cannot_be_printed_is_left_out_of_an_issue() -> None:
    broken = entry(1, published=NOW.replace(tzinfo=None))
    issue = issue_of(SPEC, [broken, entry(2)], date(2026, 3, 3), SITE, now=NOW)
    assert issue.content_html.count("<li>") == 1


def test_a_digest_has_an_entry_for_each_issue_under_an_id_of_its_own() -> None:
    made = [
        issue_of(
            SPEC, [entry(1)], date(2026, 3, day), SITE, now=NOW - (3 - day) * timedelta(days=1)
        )
        for day in (3, 2)
    ]
    edition = edition_of(SPEC, made, SITE, born=NOW)
    assert [one.link for one in edition.entries] == [
        "https://wire.example/digests/morning/2026-03-03",
        "https://wire.example/digests/morning/2026-03-02",
    ]
    assert len({one.id for one in edition.entries}) == 2
    assert edition.updated == NOW
    renamed = replace(SPEC, name="dawn", was=("morning",))
    again = issue_of(renamed, [entry(1)], date(2026, 3, 3), SITE, now=NOW)
    assert again.id == made[0].id
    for form in Format:
        printed = documents.render(edition, form, SITE)
        assert printed.dropped == ()
        assert printed == documents.render(edition, form, SITE)
    assert edition_of(SPEC, (), SITE, born=NOW) == Edition(spec=SPEC, updated=NOW, entries=())


def test_the_page_of_an_issue_shows_its_text_and_escapes_its_title() -> None:
    spec = replace(SPEC, title="<b>")
    edition = edition_of(
        spec, [issue_of(spec, [entry(1)], NOW.date(), SITE, now=NOW)], SITE, born=NOW
    )
    page = pages.issue(SITE, edition.entries[0], spec).decode()
    assert '<h1 class="headline">&lt;b&gt;: Tuesday, 3 March 2026</h1>' in page
    assert "Toll &lt;1&gt;</a></strong>" in page
    assert '<link rel="canonical" href="https://wire.example/digests/morning/2026-03-03">' in page
    assert 'href="/feeds/morning.atom">' in page
    secret = pages.issue(SITE, edition.entries[0], replace(spec, private=True)).decode()
    assert "morning.atom" not in secret


def test_a_story_is_told_again_only_after_a_milestone_also_when_it_merged() -> None:
    def stay(story: str, reached: int) -> Stay:
        return Stay(
            output="morning",
            story=story,
            entered=NOW,
            updated=NOW,
            milestone=reached,
            face="",
            entry=story,
            left=NOW,
        )

    before = {"a": stay("a", 0), "b": stay("b", 3), "gone": stay("gone", 6)}
    ranked = [
        Candidate(story=story, score=1, owners=owners)
        for story, owners in (("a", 2), ("b", 6), ("c", 7), ("new", 1))
    ]
    told = not_told(ranked, before, {"gone": "c"}, (3, 6, 12))
    assert [one.story for one in told] == ["b", "new"]
