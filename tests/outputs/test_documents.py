import re

import pytest

from aggregator.model.editions import Format, Site
from aggregator.outputs import pages
from aggregator.outputs.documents import render
from tests.outputs import sample_pages as sample

XML = (Format.ATOM, Format.RSS)


@pytest.mark.parametrize("form", XML)
def test_a_feed_names_the_style_sheet_that_browsers_show_it_with_and_no_program(
    form: Format,
) -> None:
    document = render(sample.top(), form, sample.SITE).body.decode()
    sheets = re.findall(r"<\?xml-stylesheet [^?]*\?>", document)
    assert sheets == ['<?xml-stylesheet type="text/css" href="/feed.css"?>']
    assert re.fullmatch(r"<\?xml [^?]*\?>", document.splitlines()[0])


@pytest.mark.parametrize("form", XML)
def test_its_address_is_below_that_of_the_site_and_never_changes(form: Format) -> None:
    below = Site(base_url="https://example.org/the news", title="Wire")
    document = render(sample.top(), form, below).body.decode()
    assert 'href="/the%20news/feed.css"' in document
    assert "feed.css?" not in document


def test_the_style_of_feeds_asks_for_nothing_elsewhere() -> None:
    assert b"url(" not in pages.feed_stylesheet()
    assert b"@import" not in pages.feed_stylesheet()
