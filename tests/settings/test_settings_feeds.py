"""The id of a feed that ops gave none."""

import re

import pytest

from aggregator.settings.feeds import MAX_ID, default_id


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://www.bbc.co.uk/news/rss.xml", "bbc-co-uk-news-rss-xml"),
        ("http://bbc.co.uk/news/rss.xml", "bbc-co-uk-news-rss-xml"),
        ("https://Example.org", "example-org"),
        ("https://example.org/", "example-org"),
        ("http://localhost:8000/feed", "localhost-8000-feed"),
        ("https://user:pass@example.org/feed", "example-org-feed"),
        ("https://me:${PASSWORD}@example.org/feed", "example-org-feed"),
        ("https://bücher.example/feed", "xn-bcher-kva-example-feed"),
        ("${FEED_URL}", "feed-url"),
        ("http://[", "feed"),
        ("", "feed"),
    ],
)
def test_the_id_is_host_and_path(url: str, wanted: str) -> None:
    assert default_id(url) == wanted


def test_a_query_tells_feeds_apart_without_showing_itself() -> None:
    one = default_id("https://example.org/rss?key=${KEY}&section=1")
    other = default_id("https://example.org/rss?key=${KEY}&section=2")
    assert one != other
    assert re.fullmatch(r"example-org-rss-[0-9a-f]{8}", one)


def test_long_addresses_keep_apart_within_sixty_characters() -> None:
    long = "https://example.org/" + "section/" * 20
    one, other = default_id(long + "a"), default_id(long + "b")
    assert one != other
    assert len(one) <= MAX_ID
    assert len(default_id(long + "?a")) <= MAX_ID
