"""One visit, every write of it."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.items.identity import NAMESPACE, key_of, minted_id
from aggregator.items.intake import LATE, MAX_WAITING, Intake, take_in
from aggregator.items.known import Known, KnownItem, Waiting
from aggregator.items.revisions import MAX_REVISIONS
from aggregator.model.feeds import FeedState
from aggregator.model.items import Entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATE = FeedState(feed="f", url="https://f.example/", next_due=NOW)
ENTRY = Entry(guid="a", link="https://f.example/a", title="A", digest="1", published=NOW)


def take(*entries: Entry, known: Known | None = None) -> Intake:
    return take_in(STATE, entries, known or Known(), now=NOW)


def held(entry: Entry, *, digest: str = "1", revisions: int = 0) -> Known:
    item = KnownItem(id="x", digest=digest, revisions=revisions)
    return Known(items={key_of(entry): item})


def test_identity_is_guid_else_link_else_a_hash_of_what_is_stable() -> None:
    assert key_of(ENTRY) == "guid:a"
    assert key_of(replace(ENTRY, guid=None)) == "link:https://f.example/a"
    bare = replace(ENTRY, guid=None, link=None)
    assert key_of(bare) == key_of(replace(bare, summary="changed"))
    assert key_of(bare) != key_of(replace(bare, title="B"))


@pytest.mark.conforms("B01")
def test_a_publishers_absolute_id_is_kept_character_by_character() -> None:
    for guid in ("https://f.example/?p=1#0", "tag:f.example,2026:1", "urn:uuid:ABC-1"):
        assert take(replace(ENTRY, guid=guid)).new[0].id == guid


@pytest.mark.conforms("B02")
def test_an_id_that_is_none_is_minted_from_feed_and_key_alone() -> None:
    strange = ("12345", "www.f.example/1", "yt:video:7cxc", "two words http://x", "urn:x-y:<1>")
    for guid in strange:
        item = take(replace(ENTRY, guid=guid)).new[0]
        assert item.id == minted_id("f", f"guid:{guid}")


@given(st.text(), st.text())
def test_a_minted_id_is_a_uuid_of_its_name(feed: str, key: str) -> None:
    """RFC 4122 section 4.3, as Python's own library makes it."""
    assert minted_id(feed, key) == uuid.uuid5(NAMESPACE, f"item\n{feed}\n{key}").urn


@pytest.mark.conforms("B03")
def test_an_id_that_another_item_bears_is_minted() -> None:
    entry = replace(ENTRY, guid="urn:x-y:1")
    item = take(entry, known=Known(taken=frozenset({"urn:x-y:1"}))).new[0]
    assert item.id == minted_id("f", "guid:urn:x-y:1")


@pytest.mark.conforms("B08")
def test_an_entry_listed_twice_is_taken_once() -> None:
    assert len(take(ENTRY, replace(ENTRY, title="again", digest="2")).new) == 1


@pytest.mark.conforms("B05", "B07", "D35")
def test_a_missing_date_is_the_time_first_seen_and_a_future_one_is_clamped() -> None:
    undated = take(replace(ENTRY, published=None)).new[0]
    future = take(replace(ENTRY, published=NOW + timedelta(days=400))).new[0]
    assert undated.published == future.published == NOW


@pytest.mark.conforms("B07")
def test_updated_is_never_before_published_nor_after_now() -> None:
    odd = replace(ENTRY, updated=NOW - timedelta(days=9))
    wild = replace(ENTRY, updated=NOW + timedelta(days=9))
    assert take(odd).new[0].updated == NOW
    assert take(wild).new[0].updated == NOW


def test_items_arrive_oldest_first_and_undated_ones_from_the_bottom_up() -> None:
    entries = [replace(ENTRY, guid=str(n), published=None) for n in range(3)]
    assert [item.entry.guid for item in take(*entries).new] == ["2", "1", "0"]
    dated = [replace(ENTRY, guid=str(n), published=NOW - timedelta(days=n)) for n in range(3)]
    assert [item.entry.guid for item in take(*dated).new] == ["2", "1", "0"]


def test_the_same_words_write_nothing() -> None:
    intake = take(replace(ENTRY, content_html="<b>other markup</b>"), known=held(ENTRY))
    assert (intake.new, intake.revised) == ((), ())


def test_other_words_revise() -> None:
    (revision,) = take(replace(ENTRY, title="B", digest="2"), known=held(ENTRY)).revised
    assert (revision.id, revision.entry.title, revision.updated) == ("x", "B", NOW)


@pytest.mark.conforms("D41")
def test_an_entry_that_never_rests_stops_being_revised() -> None:
    known = held(ENTRY, digest="0", revisions=MAX_REVISIONS)
    intake = take(ENTRY, known=known)
    assert (intake.revised, intake.restless) == ((), 1)


@pytest.mark.conforms("E19")
def test_what_was_pruned_is_not_new() -> None:
    intake = take(ENTRY, known=Known(items={key_of(ENTRY): None}))
    assert (intake.new, intake.revised) == ((), ())


@pytest.mark.conforms("D36")
def test_a_flood_is_taken_in_parts_and_the_rest_waits_whatever_the_next_visit_brings() -> None:
    entries = tuple(replace(ENTRY, guid=str(n)) for n in range(5))
    first = take_in(STATE, entries, Known(), now=NOW, most=3)
    assert (len(first.new), first.deferred, first.state) == (3, 2, STATE)

    # The document has shrunk to nothing meanwhile.
    known = Known(waiting=first.waiting or ())
    second = take_in(STATE, (), known, now=NOW, most=3)
    assert {item.key for item in first.new + second.new} == {key_of(entry) for entry in entries}
    assert (second.deferred, second.waiting) == (0, ())


def test_what_waited_came_when_it_was_seen_first() -> None:
    backlog = Waiting(entry=ENTRY, since=NOW - timedelta(hours=2), backlog=True)
    (item,) = take_in(STATE, (), Known(waiting=(backlog,)), now=NOW).new
    assert (item.first_seen, item.listed) == (backlog.since, item.published)

    again = replace(ENTRY, title="new words", digest="2")
    (item,) = take_in(STATE, (again,), Known(waiting=(backlog,)), now=NOW).new
    assert (item.entry.title, item.first_seen) == ("new words", backlog.since)


def test_when_too_many_wait_the_whole_document_is_asked_for_again() -> None:
    many = tuple(replace(ENTRY, guid=str(n)) for n in range(MAX_WAITING + 2))
    intake = take_in(replace(STATE, digest="d"), many, Known(), now=NOW, most=1)
    assert (intake.deferred, len(intake.waiting or ())) == (MAX_WAITING + 1, MAX_WAITING)
    assert intake.state.digest is None


def test_a_late_publishers_items_are_listed_when_we_see_them() -> None:
    late = replace(ENTRY, published=NOW - timedelta(hours=20))
    assert take(late).new[0].listed == NOW
    assert take(late).new[0].published == late.published


@pytest.mark.conforms("B10")
def test_what_was_there_before_us_or_is_days_old_is_listed_by_its_own_date() -> None:
    old = replace(ENTRY, published=NOW - timedelta(days=3))
    recent = replace(ENTRY, published=NOW - timedelta(hours=20))
    assert take(old).new[0].listed == old.published
    assert take(recent, known=Known(first_visit=True)).new[0].listed == recent.published
    undated = replace(ENTRY, published=None)
    assert take(undated).new[0].listed == NOW
    assert take(undated, known=Known(first_visit=True)).new[0].listed == NOW - LATE


def test_the_first_of_two_entries_with_one_guid_stands_at_every_visit() -> None:
    twice = (ENTRY, replace(ENTRY, title="again", digest="2"))
    intake = take(*twice, known=held(ENTRY))
    assert intake.revised == ()


@pytest.mark.conforms("D42")
def test_a_minted_id_that_somebody_else_bears_is_not_taken_from_them() -> None:
    theirs = minted_id("f", "guid:a")
    item = take(ENTRY, known=Known(taken=frozenset({theirs}))).new[0]
    assert item.id.startswith("urn:uuid:")
    assert item.id != theirs
