"""What makes feedparser quicker leaves its answers as they were."""

import copy
import io
import warnings
import xml.sax.expatreader
from pathlib import Path
from typing import Any

import feedparser
import feedparser.api
import pytest
from feedparser.util import FeedParserDict
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sources import quick
from tests.sources.test_rereading import GAPS, ODD_GAPS, ORDINARY, TRICKY, documents

KEYS = sorted({*FeedParserDict.keymap, "updated", "updated_parsed", "category", "license"})
KEYS += ["enclosures", "tags", "links", "title", "type", "summary", "href", "entries", "id"]
LINKS = [FeedParserDict(rel="enclosure", href="/a.mp3"), FeedParserDict(rel="license", href="/l")]
HELD = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(st.text(max_size=3), st.just(LINKS), st.just([]), st.just([{"term": "t"}])),
    max_size=6,
)


def told(act: Any, *given: Any) -> Any:
    try:
        return act(*given)
    except Exception as error:  # noqa: BLE001 - whichever it is
        return type(error)


@given(HELD, st.sampled_from(KEYS))
def test_a_dictionary_answers_as_ever(held: dict[str, Any], key: str) -> None:
    asked = FeedParserDict(held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for now, before in zip((quick._quick_get, quick._quick_getitem, quick._quick_contains),
                               quick._SLOW, strict=True):  # fmt: skip
            assert told(now, asked, key) == told(before, asked, key)


def slow_copy(of: FeedParserDict) -> Any:
    """Return what `copy.deepcopy` made of it before it was told how."""
    reduced = of.__reduce_ex__(4)
    made = FeedParserDict()
    for key, value in reduced[4]:
        made[key] = copy.deepcopy(value)
    return made


@given(HELD)
def test_a_copy_is_as_deep_as_ever(held: dict[str, Any]) -> None:
    asked = FeedParserDict(held)
    copied = copy.deepcopy(asked)
    assert dict(copied) == dict(slow_copy(asked))
    assert type(copied) is FeedParserDict
    assert all(one is not other for one in copied.values() if isinstance(one, list)
               for other in held.values())  # fmt: skip


def in_pieces(body: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as piecemeal:
        piecemeal.setattr(feedparser.api, "PREFERRED_XML_PARSERS", [xml.sax.expatreader.__name__])
        return read(body)


def read(body: bytes) -> Any:
    headers = {"content-type": "application/xml", "content-location": "https://a.example/"}
    found = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False,
                             resolve_relative_uris=False)  # fmt: skip
    return found.feed, found.entries, found.version, bool(found.bozo)


@settings(deadline=None, max_examples=150)
@given(documents((*ORDINARY, *TRICKY), (*GAPS * 4, *ODD_GAPS)))
def test_texts_that_come_whole_say_what_their_pieces_say(pair: tuple[bytes, bytes]) -> None:
    for body in pair:
        assert told(read, body) == told(in_pieces, body, pytest.MonkeyPatch())


CORPUS = sorted((Path(__file__).parents[1] / "corpus").rglob("*.xml"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_documents_of_the_corpus_say_the_same_whole_or_in_pieces(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = path.read_bytes()
    assert told(read, body) == told(in_pieces, body, monkeypatch)
