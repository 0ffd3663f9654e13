"""Every behaviour is a file: tests/corpus/NAME.xml (or .txt) and beside it what we expect."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import asdict

from aggregator.model.visits import ParsedFeed, Unreadable
from aggregator.sources.parse import parse

CORPUS = Path(__file__).parent.parent / "corpus"
DOCUMENTS = sorted(path for path in CORPUS.iterdir() if path.suffix in (".xml", ".txt"))


def test_there_is_a_corpus() -> None:
    assert len(DOCUMENTS) >= 25


@pytest.mark.conforms("D33")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_becomes_what_its_pair_says(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    url = expected.get("url", "https://publisher.example/feed")
    document = parse(path.read_bytes(), expected.get("content_type", ""), url)
    if "reason" in expected:
        assert isinstance(document, Unreadable)
        assert expected["reason"] in document.reason
        return
    assert isinstance(document, ParsedFeed), document
    items = [plain(entry) for entry in document.entries]
    assert [pick(item, want) for item, want in zip(items, expected["items"], strict=True)] == (
        expected["items"]
    )
    feed = expected.get("feed", {})
    assert pick(plain(document.meta), feed) == feed
    assert set(expected.get("remarks", ())) <= set(document.remarks)
    assert not [word for word in expected.get("absent", ()) if word in repr(document)]


def pick(item: dict[str, object], like: dict[str, object]) -> dict[str, object]:
    return {name: item[name] for name in like}


def plain(value: object) -> dict[str, object]:
    shown = shape(value)
    assert isinstance(shown, dict)
    return shown


def shape(value: object) -> object:
    if isinstance(value, Struct):
        return {name: shape(held) for name, held in asdict(value).items()}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [shape(one) for one in value] if isinstance(value, tuple) else value
