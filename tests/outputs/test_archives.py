"""Archives (RFC 5005 section 4): what leaves an output is on one page of its archive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from aggregator.model.editions import EditionEntry, Format
from aggregator.outputs.addresses import archive_path, feed_id, feed_url
from aggregator.outputs.archives import PAGE, Leaf, due, packed, unpacked
from aggregator.outputs.documents import MEDIA_TYPES, render
from tests.outputs.test_contract_formats import EDITIONS, LATEST, SITE, edition, entry, read_back
from tests.outputs.validator import validate

NOW = datetime(2021, 9, 21, tzinfo=UTC)
TEN = replace(LATEST, limit=10)
MIDDLE = Leaf(number=2, previous=1, following=3)


def line(*numbers: int) -> list[EditionEntry]:
    """Entries a minute apart, the higher the number the older."""
    return [entry(n, published=NOW - timedelta(minutes=n)) for n in numbers]


def numbers(page: tuple[EditionEntry, ...]) -> list[int]:
    return [int(one.id.rpartition(":")[2]) for one in page]


def test_while_nothing_leaves_no_page_is_made() -> None:
    assert due(TEN, line(*range(10)), [], ()) == ()
    assert due(TEN, line(*range(10)), line(10), {"urn:example:10"}) == ()


def test_a_page_holds_what_leaves_and_what_will_leave_next() -> None:
    (page,) = due(TEN, line(*range(10)), line(10), ())
    assert numbers(page) == [6, 7, 8, 9, 10]
    (page,) = due(TEN, line(*range(10)), line(10), {"urn:example:9", "urn:example:8"})
    assert numbers(page) == [4, 5, 6, 7, 10]


def test_all_that_leaves_at_once_is_on_pages_of_bounded_length() -> None:
    pages = due(TEN, line(*range(10)), line(*range(10, 140)), ())
    assert [len(page) for page in pages] == [PAGE, PAGE, 30]
    assert numbers(pages[0])[-1] == 139, "the oldest come first"
    assert [one for page in reversed(pages) for one in numbers(page)] == [*range(10, 140)]


def test_a_page_stays_below_the_size_that_a_document_may_have() -> None:
    great = [replace(one, content_html="x" * 180_000) for one in line(*range(10, 20))]
    pages = due(TEN, [], great, ())
    assert [len(page) for page in pages] == [2] * 5
    for page in pages:
        assert render(edition(*page), Format.ATOM, SITE, MIDDLE).dropped == ()


@given(st.lists(st.integers(min_value=1, max_value=12), min_size=1, max_size=30))
def test_every_entry_that_leaves_is_on_one_page_whatever_comes(arrivals: list[int]) -> None:
    window: list[EditionEntry] = []
    archived: list[str] = []
    newest = 0
    for count in arrivals:
        came = line(*range(newest - count, newest))
        newest -= count
        after, leaving = [*came, *window][:10], [*came, *window][10:]
        for page in due(TEN, after, [one for one in leaving if one in window], archived):
            archived += [one.id for one in page]
        assert all(one.id in archived for one in window if one not in after)
        window = after
    assert len(archived) == len(set(archived))


@pytest.mark.parametrize("name", EDITIONS)
def test_entries_come_out_of_the_store_as_they_went_in(name: str) -> None:
    entries = EDITIONS[name].entries
    assert unpacked(packed(entries)) == entries


def links(body: bytes) -> dict[str, str]:
    root = etree.fromstring(body)
    found: Any = root.iter("{http://www.w3.org/2005/Atom}link")
    return {link.get("rel"): link.get("href") for link in found if "archive" in link.get("href")
            or link.get("rel") == "current"}  # fmt: skip


@pytest.mark.conforms("B44")
@pytest.mark.parametrize("form", [Format.ATOM, Format.RSS])
def test_a_page_names_its_neighbours_and_the_current_document(form: Format) -> None:
    body = render(EDITIONS["plain"], form, SITE, MIDDLE).body
    at = "https://wire.example/feeds/latest"
    assert links(body) == {
        "self": f"{at}/archive/2.{form}",
        "current": f"{at}.{form}",
        "prev-archive": f"{at}/archive/1.{form}",
        "next-archive": f"{at}/archive/3.{form}",
    }
    (mark,) = etree.fromstring(body).iter("{http://purl.org/syndication/history/1.0}archive")
    assert len(mark) == 0

    current = render(EDITIONS["plain"], form, SITE, Leaf(previous=2)).body
    assert links(current) == {"prev-archive": f"{at}/archive/2.{form}"}
    assert b"purl.org/syndication" not in current
    assert links(render(EDITIONS["plain"], form, SITE).body) == {}


@pytest.mark.conforms("B40")
def test_the_next_url_of_a_json_feed_leads_back_page_by_page_and_ends() -> None:
    at = "https://wire.example/feeds/latest"
    for leaf, following in (
        (Leaf(previous=2), f"{at}/archive/2.json"),
        (MIDDLE, f"{at}/archive/1.json"),
        (Leaf(number=1, following=2), None),
        (Leaf(), None),
    ):
        document = render(EDITIONS["plain"], Format.JSON, SITE, leaf).body
        told = f'"next_url":"{following}"'.encode()
        assert (told in document) == (following is not None)
        assert (b"next_url" in document) == (following is not None)
        assert f'"feed_url":"{at}.json"'.encode() in document, "the feed is the same on any page"


@pytest.mark.conforms("B44")
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("leaf", [MIDDLE, Leaf(number=1), Leaf(previous=4)])
def test_a_page_of_an_archive_has_no_fault(leaf: Leaf, form: Format) -> None:
    whole = EDITIONS["hundred"]
    body = render(whole, form, SITE, leaf).body
    here = feed_url(LATEST, form, SITE)
    if leaf.number:
        here = f"{SITE.base_url}/{archive_path(LATEST, form, leaf.number)}"
    assert validate(body, MEDIA_TYPES[form], location=here, now=NOW) == ()
    assert len(read_back(body, form)) == 100


def test_all_documents_of_an_output_are_one_feed() -> None:
    """RFC 5005 section 1.2: a logical feed has one id, on all of its documents."""
    ids = {
        etree.fromstring(render(EDITIONS["plain"], Format.ATOM, SITE, leaf).body).findtext(
            "{http://www.w3.org/2005/Atom}id"
        )
        for leaf in (MIDDLE, Leaf(), Leaf(previous=2))
    }
    assert ids == {feed_id(LATEST, SITE)}
