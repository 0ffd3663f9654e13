import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli.parse import parse

FEED = """<rss version="2.0"><channel><title>Gazette</title><ttl>30</ttl><item>
<guid>1</guid><title>Fähre spät</title>
<link>/a</link><pubDate>Tue, 04 Jun 2024 10:00:00 BST</pubDate>
</item></channel></rss>"""


def asked(body: bytes, *options: str) -> Result:
    return CliRunner().invoke(parse, ["-", *options], input=body)


def test_a_document_is_shown_as_one_json_object(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_text(FEED, encoding="utf-8")
    result = CliRunner().invoke(parse, [str(file), "--url", "https://gazette.example/rss"])
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert list(shown) == ["feed", "items", "remarks"]
    assert shown["feed"]["title"] == "Gazette"
    assert shown["feed"]["ttl"] == 1800
    (item,) = shown["items"]
    assert item["title"] == "Fähre spät"
    assert item["link"] == "https://gazette.example/a"
    assert item["published"] == "2024-06-04T09:00:00Z"
    assert item["enclosures"] == []


def test_the_header_decides_the_encoding_when_given() -> None:
    body = FEED.encode("windows-1252")
    result = asked(body, "--content-type", "text/xml; charset=windows-1252")
    assert json.loads(result.stdout)["items"][0]["title"] == "Fähre spät"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty"),
        (b"<html><body>x</body></html>", "HTML page"),
        (b'<rss version="2.0"><channel></channel></rss>', "no items"),
        (gzip.compress(bytes(17 * 1024 * 1024)), "16 MiB"),
        (bytes(17 * 1024 * 1024), "16 MiB"),
    ],
)
def test_what_gives_no_items_is_told_in_one_line(body: bytes, told: str) -> None:
    result = asked(body)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
