from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.items.identity import key_of
from aggregator.items.intake import Intake, take_in
from aggregator.items.known import Known, KnownItem
from aggregator.model.feeds import FeedState
from aggregator.model.items import Entry
from aggregator.sources.rereading import parse_changed
from aggregator.sources.splitting import (
    MAX_PIECES,
    Memory,
    Pieces,
    counts_of,
    digest_of_piece,
    is_plain,
    split,
    standing,
)

URL = "https://gazette.example/feeds/news.xml"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pieces_of(text: bytes) -> Pieces:
    found = split(text)
    assert isinstance(found, Pieces), found
    return found


def test_a_document_is_cut_before_and_after_each_entry() -> None:
    found = pieces_of(
        b"<rss><channel><title>G</title> <item>1</item>\n<item >2</item ></channel></rss>"
    )
    assert found.head == b"<rss><channel><title>G</title> "
    assert found.entries == (b"<item>1</item>", b"<item >2</item >")
    assert found.tail == b"</channel></rss>"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (b"<feed></feed>", "no entries"),
        (b"<a:feed><a:entry></a:entry></a:feed>", "no entries"),
        (b"<rdf><items><item2/></items></rdf>", "no entries"),
        (b"<!DOCTYPE rss><rss><item></item></rss>", "document type"),
        (b"<rss><item><title>cut", "an entry without an end"),
        (b"<rss><item></item><link>x</link><item></item></rss>", "elements between"),
        (b"<rss><item></item><image/></rss>", "elements between"),
        (b"<feed><ttl>60<entry></entry></ttl></feed>", "elements between"),
        (b"<feed>" + b"<entry></entry>" * (MAX_PIECES + 1) + b"</feed>", "too many"),
    ],
)
def test_what_is_unusual_is_not_cut(text: bytes, because: str) -> None:
    found = split(text)
    assert isinstance(found, str)
    assert because in found


def test_as_many_entries_are_cut_as_are_read() -> None:
    found = pieces_of(b"<feed>" + b"<entry></entry>" * MAX_PIECES + b"</feed>")
    assert len(found.entries) == MAX_PIECES


@pytest.mark.parametrize(
    "entry",
    [
        b"<item><item></item>",
        b"<item><x:Entry/></item>",
        b"<entry></channel></entry>",
        b'<entry><feed lang="de"></feed></entry>',
        b"<item><rdf:RDF/></item>",
    ],
)
def test_an_entry_that_could_end_early_or_speak_for_the_feed_is_not_plain(entry: bytes) -> None:
    assert not is_plain(entry)
    assert is_plain(b"<item><items/><itemized>item</itemized></item>")


def statistics(views: int) -> bytes:
    return b'<entry><media:statistics views="%d"/><title>T</title></entry>' % views


def test_a_count_of_views_is_no_change() -> None:
    assert digest_of_piece(statistics(1)) == digest_of_piece(statistics(23))
    assert digest_of_piece(statistics(1)) != digest_of_piece(statistics(1).replace(b"T<", b"U<"))
    assert counts_of(statistics(1)) == [b"statistics"]


@pytest.mark.parametrize(
    "more",
    [
        b'<media:statistics views="2"/>',
        b'<m:Statistics views="2"/>',
        b"<![CDATA[x]]>",
        b"<!-- x -->",
    ],
)
def test_what_may_be_a_text_about_views_is_told(more: bytes) -> None:
    assert counts_of(statistics(1) + more) is None


def test_a_memory_is_stored_in_24_bytes_an_entry() -> None:
    memory = Memory(context=b"c" * 16, marks={b"a" * 16: b"1" * 8, b"b" * 16: b"2" * 8})
    stored = memory.to_bytes()
    assert len(stored) == 16 + 2 * 24
    assert Memory.from_bytes(stored) == memory
    assert list(Memory.from_bytes(stored).marks) == list(memory.marks)  # type: ignore[union-attr]
    assert Memory.from_bytes(b"c" * 16) == Memory(context=b"c" * 16, marks={})


@pytest.mark.parametrize("stored", [None, b"", b"short", b"c" * 17, b"c" * 39])
def test_what_is_no_memory_is_none(stored: bytes | None) -> None:
    assert Memory.from_bytes(stored) is None


# A publisher's documents: each a list of (key, wording), newest first, keys repeated at times.
VISITS = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=6),
    min_size=2,
    max_size=8,
)


class Shelf:
    """What a store keeps of one feed: wording and revisions by key."""

    def __init__(self) -> None:
        self.items: dict[str, KnownItem] = {}
        self.told: list[tuple[list[str], list[tuple[str, str]]]] = []

    def visit(self, entries: tuple[Entry, ...]) -> None:
        state = FeedState(feed="gazette", url=URL, next_due=NOW)
        known = Known(items=dict(self.items), first_visit=not self.items)
        intake: Intake = take_in(state, entries, known, now=NOW)
        for item in intake.new:
            self.items[item.key] = KnownItem(id=item.key, digest=item.entry.digest, revisions=0)
        for revision in intake.revised:
            held = self.items[revision.id]
            self.items[revision.id] = KnownItem(
                id=held.id, digest=revision.entry.digest, revisions=held.revisions + 1
            )
        self.told.append(
            (
                [item.key for item in intake.new],
                [(revision.id, revision.entry.title) for revision in intake.revised],
            )
        )


def document_of(listed: list[tuple[str, int]]) -> bytes:
    items = "".join(
        f"<item><guid>{key}</guid><title>{key} as of {wording}</title></item>"
        for key, wording in listed
    )
    return f'<rss version="2.0"><channel><title>G</title>{items}</channel></rss>'.encode()


@settings(deadline=None, max_examples=150)
@given(VISITS)
def test_the_store_comes_out_as_if_all_had_been_parsed_at_every_visit(
    visits: list[list[tuple[str, int]]],
) -> None:
    whole, less = Shelf(), Shelf()
    memory: Memory | None = None
    for listed in visits:
        body = document_of(listed)
        full = parse_changed(body, "", URL, None).document
        whole.visit(full.entries)  # type: ignore[union-attr]
        reading = parse_changed(
            body, "", URL, Memory.from_bytes(memory.to_bytes()) if memory else None
        )
        keys = [key_of(entry) for entry in reading.document.entries]  # type: ignore[union-attr]
        entries, memory = standing(reading, keys)
        less.visit(entries)
    assert less.told == whole.told
    assert less.items == whole.items


def test_wordings_that_go_and_return_revise_twice() -> None:
    memory, titles = None, []
    for wording in (1, 2, 1):
        reading = parse_changed(document_of([("a", wording), ("b", 1)]), "", URL, memory)
        keys = [key_of(entry) for entry in reading.document.entries]  # type: ignore[union-attr]
        entries, memory = standing(reading, keys)
        titles.append([entry.title for entry in entries])
    assert titles == [["a as of 1", "b as of 1"], ["a as of 2"], ["a as of 1"]]
    assert all(one != other for one, other in pairwise(titles))


def test_nothing_is_remembered_of_what_was_not_cut() -> None:
    reading = parse_changed(b"<html>no feed</html>", "", URL, None)
    assert standing(reading, []) == ((), None)
    reading = parse_changed(b'<rss version="2.0"><channel><item><title>cut</title>', "", URL, None)
    entries, memory = standing(reading, ["a"])
    assert [entry.title for entry in entries] == ["cut"]
    assert memory is None
