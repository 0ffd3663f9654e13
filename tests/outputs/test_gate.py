import json
from datetime import UTC, datetime

import pytest

from aggregator.model.editions import Format, Rendered
from aggregator.outputs.addresses import MEDIA_TYPES
from aggregator.outputs.gate import Accept, Reject, Verdict, judge

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
