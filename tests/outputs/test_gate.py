import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from aggregator.model.editions import (
    Edition,
    EditionEntry,
    Format,
    Kind,
    OutputSpec,
    Rendered,
    Site,
)
from aggregator.outputs.addresses import MEDIA_TYPES
from aggregator.outputs.documents import render
from aggregator.outputs.gate import Accept, Reject, Seen, Verdict, doubt, entries_of, judge

ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom">%s</feed>'
RSS = b'<rss version="2.0"><channel>%s</channel></rss>'


def rendered(body: bytes, media_type: str) -> Rendered:
    return Rendered(
        path="feeds/latest",
        media_type=media_type,
        body=body,
        etag='"1"',
        changed_at=datetime(2021, 9, 20, tzinfo=UTC),
    )


def judged(body: bytes, form: Format) -> Verdict:
    return judge(None, rendered(body, MEDIA_TYPES[form]))


def documents(*ids: str) -> dict[Format, bytes]:
    """A document of each format with entries of these ids, the least that the gate looks at."""
    atom = "".join(f"<entry><id>{i}</id></entry>" for i in ids).encode()
    rss = "".join(f"<item><guid>{i}</guid></item>" for i in ids).encode()
    feed = {"version": "1.1", "title": "Latest", "items": [{"id": i} for i in ids]}
    return {Format.ATOM: ATOM % atom, Format.RSS: RSS % rss, Format.JSON: json.dumps(feed).encode()}


def refusal(verdict: Verdict) -> str:
    assert isinstance(verdict, Reject)
    return verdict.reason


@pytest.mark.parametrize("form", Format)
def test_a_sound_document_passes_and_an_empty_one_too(form: Format) -> None:
    assert judged(documents("a", "b")[form], form) == Accept(changed=True)
    assert judged(documents()[form], form) == Accept(changed=True)


@pytest.mark.parametrize("form", Format)
def test_bytes_that_are_served_already_are_no_change(form: Format) -> None:
    old, new = documents("a")[form], documents("a", "b")[form]
    served, kind = rendered(old, MEDIA_TYPES[form]), MEDIA_TYPES[form] + "; charset=utf-8"
    assert judge(served, rendered(old, kind)) == Accept(changed=False)
    assert judge(served, rendered(new, kind)) == Accept(changed=True)


@pytest.mark.parametrize("form", Format)
def test_an_id_used_twice_is_refused_by_name(form: Format) -> None:
    assert "'a'" in refusal(judged(documents("a", "b", "a")[form], form))


@pytest.mark.parametrize("form", Format)
def test_an_entry_without_id_is_refused(form: Format) -> None:
    assert "1 of 2 entries have no id" in refusal(judged(documents("a", "")[form], form))


@pytest.mark.parametrize("form", Format)
def test_a_truncated_document_is_refused(form: Format) -> None:
    assert "not sound" in refusal(judged(documents("a")[form][:-3], form))
    assert "not sound" in refusal(judged(b"{", form))


@pytest.mark.conforms("D24")
@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Format.ATOM, documents("a")[Format.RSS]),
        (Format.RSS, documents("a")[Format.ATOM]),
        (Format.ATOM, b"<feed/>"),
        (Format.JSON, b"[]"),
        (Format.JSON, b'{"title": "x", "items": []}'),
        (Format.JSON, b"\xff"),
        (Format.RSS, RSS % b"\x0b"),
        (Format.RSS, b"<!DOCTYPE rss [<!ENTITY a 'b'>]>" + RSS % b"&a;"),
    ],
)
def test_a_document_of_another_kind_is_refused(form: Format, body: bytes) -> None:
    assert "not sound" in refusal(judged(body, form))


def test_a_json_item_whose_id_is_no_string_has_no_id() -> None:
    body = b'{"version": "1.1", "title": "x", "items": [{"id": 1}, 2]}'
    assert "2 of 2 entries have no id" in refusal(judged(body, Format.JSON))


def test_an_empty_document_of_any_kind_is_refused() -> None:
    for kind in ("text/html", "text/x-opml", *MEDIA_TYPES.values()):
        assert refusal(judge(None, rendered(b" \n", kind))) == "it is empty"


def test_a_page_passes_and_a_broken_list_of_feeds_does_not() -> None:
    assert judge(None, rendered(b"<p>", "text/html")) == Accept(changed=True)
    assert judge(None, rendered(b"<opml/>", "text/x-opml")) == Accept(changed=True)
    assert "not sound" in refusal(judge(None, rendered(b"<opml>", "text/x-opml")))


NOON = datetime(2021, 9, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def listed(*numbers: int, name: str = "e") -> tuple[Seen, ...]:
    """Entries that came a minute after another, the newest first."""
    return tuple(
        Seen(f"{name}{number}", f"https://x.example/{number}", NOON - number * MINUTE)
        for number in numbers
    )


def doubted(before: tuple[Seen, ...], after: tuple[Seen, ...], apart: timedelta = MINUTE) -> str:
    return doubt(before, after, apart=apart, most=20) or ""


def test_a_window_that_moves_on_is_not_doubted() -> None:
    before = listed(*range(100))
    assert doubted(before, listed(*range(-15, 85))) == ""
    assert doubted(before, before) == ""
    assert doubted((), before) == ""


def test_many_entries_under_other_ids_are_doubted_and_named() -> None:
    before = listed(*range(50))
    after = listed(*range(30)) + listed(*range(30, 50), name="other")
    assert doubted(before, after) == "20 entries have other ids: 'other30' was 'e30'"


def test_a_few_pages_that_tell_another_story_are_nothing_to_wonder_at() -> None:
    """One publisher uses its collection pages for one story after another."""
    before = listed(*range(50))
    assert doubted(before, listed(*range(45)) + listed(*range(45, 50), name="other")) == ""


def test_entries_that_vanish_with_none_in_their_place_are_doubted() -> None:
    before = listed(*range(60))
    assert doubted(before, listed(*range(30))) == "30 of 60 entries vanished, such as 'e30'"
    assert "60 of 60 entries vanished" in doubted(before, ())
    assert doubted(before, listed(*range(45))) == ""
    assert doubted(listed(*range(5)), ()) == ""


def test_what_was_served_a_day_ago_may_be_gone() -> None:
    before = listed(*range(60))
    assert "vanished" in doubted(before, (), apart=timedelta(hours=8))
    assert doubted(before, (), apart=timedelta(hours=24)) == ""


def test_more_at_once_than_is_usual_is_doubted() -> None:
    before = listed(*range(0, 6000, 60))  # one an hour
    after = listed(*range(-40, 0)) + before[:60]
    assert doubted(before, after) == "40 entries are new at once, such as 'e-40'"


def test_what_piled_up_while_nobody_looked_is_no_flood() -> None:
    before = listed(*range(0, 6000, 60))
    after = listed(*range(-40, 0)) + before[:60]
    assert doubted(before, after, apart=timedelta(hours=8)) == ""


def test_what_comes_at_its_usual_pace_is_no_flood_however_much_it_is() -> None:
    """A desk of thousands of feeds takes in fifty a minute, every minute."""
    before = tuple(replace(entry, published=NOON - n * MINUTE / 50)
                   for n, entry in enumerate(listed(*range(100))))  # fmt: skip
    assert doubted(before, listed(*range(-50, 0)) + before[:50]) == ""


@pytest.mark.parametrize("form", Format)
def test_the_entries_of_a_document_are_known_by_id_link_and_date(form: Format) -> None:
    entry = EditionEntry(
        id="urn:x:1", title="t", link="https://x.example/1", published=NOON, updated=NOON
    )
    spec = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest")
    edition = Edition(spec=spec, updated=NOON, entries=(entry,))
    body = render(edition, form, Site(base_url="https://wire.example")).body
    assert entries_of(rendered(body, MEDIA_TYPES[form])) == (
        Seen("urn:x:1", "https://x.example/1", NOON),
    )
