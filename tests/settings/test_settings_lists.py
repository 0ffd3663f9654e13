"""Lists of other programs, as these write them."""

import pytest

from aggregator.model.errors import AggregatorError
from aggregator.settings.lists import Listed, read_list

MINIFLUX = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Miniflux</title></head><body>
  <outline text="Science">
    <outline title="Orrery" text="Orrery" xmlUrl="https://orrery.example/feed"
             htmlUrl="https://orrery.example" type="rss" description=""></outline>
  </outline>
  <outline text="All"><outline text="Ferry &amp; Tide" xmlUrl="https://tide.example/rss"/></outline>
</body></opml>"""

FRESHRSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml xmlns:frss="https://freshrss.org/opml" version="2.0"><head/><body>
<outline text="World"><outline text="Gazette" type="rss" xmlUrl="https://gazette.example/rss"
  htmlUrl="https://gazette.example/" description="" frss:priority="main"
  frss:cssFullContent=".article"/></outline></body></opml>"""

TT_RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<opml version="1.0"><head><title>Tiny Tiny RSS Feed Export</title></head><body>
<outline text="Sea" ttrssSortOrder="0"><outline text="Near" ttrssSortOrder="1">
<outline type="rss" text="Tide" xmlUrl="https://tide.example/rss" ttrssSortOrder="0"
 ttrssPurgeInterval="0" htmlUrl="https://tide.example"/></outline></outline>
<outline text="tt-rss-prefs" schema-version="147"><outline pref-name="DIGEST_ENABLE" value="1"/>
</outline></body></opml>"""

PLANET = b"""# Planet of the harbour
[Planet]
name = Planet Harbour
link = https://planet.example/
owner_email = mail@planet.example
items_per_page = 60

[DEFAULT]
facewidth = 60%

[https://gazette.example/blog.atom?tag=sea]
name = Gazette: the sea
face = gazette.png

[feed://tide.example/rss]

[https://lists.example/others.opml]
content_type = opml

[filters/sea.py]
words = a
"""


@pytest.mark.conforms("B43")
@pytest.mark.parametrize(
    ("document", "feeds"),
    [
        (
            MINIFLUX,
            (
                Listed(url="https://orrery.example/feed", title="Orrery", folders=("Science",)),
                Listed(url="https://tide.example/rss", title="Ferry & Tide", folders=("All",)),
            ),
        ),
        (
            FRESHRSS,
            (Listed(url="https://gazette.example/rss", title="Gazette", folders=("World",)),),
        ),
        (
            TT_RSS,
            (Listed(url="https://tide.example/rss", title="Tide", folders=("Sea", "Near")),),
        ),
    ],
    ids=["Miniflux", "FreshRSS", "tt-rss"],
)
def test_what_readers_export_is_read_with_titles_and_folders(
    document: bytes, feeds: tuple[Listed, ...]
) -> None:
    found = read_list(document)
    assert found.feeds == feeds
    assert found.notes == ()


def test_categories_are_folders_too() -> None:
    found = read_list(
        b'<opml version="2.0"><body><outline text="T" xmlUrl="https://t.example"'
        b' category="/news/World,/science"/></body></opml>'
    )
    assert found.feeds[0].folders == ("World", "science")


def test_a_planets_feeds_are_read_and_what_has_no_like_here_is_told() -> None:
    found = read_list(PLANET)
    assert found.feeds == (
        Listed(url="https://gazette.example/blog.atom?tag=sea", title="Gazette: the sea"),
        Listed(url="http://tide.example/rss"),
    )
    told = "\n".join(found.notes)
    assert "name = Planet Harbour: write it as site: title in config/service.yaml" in told
    assert "https://lists.example/others.opml is a list of feeds" in told


@pytest.mark.conforms("B43")
def test_a_damaged_list_is_read_as_far_as_it_goes_and_that_is_told() -> None:
    found = read_list(MINIFLUX[:-60])
    assert [feed.url for feed in found.feeds][:1] == ["https://orrery.example/feed"]
    assert "it is damaged" in found.notes[0]


@pytest.mark.conforms("B43")
def test_nothing_is_fetched_and_no_entity_is_filled_in() -> None:
    found = read_list(
        b'<!DOCTYPE opml [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY b "bbbb">]>'
        b'<opml version="2.0"><body><outline text="&b;&b;" xmlUrl="https://t.example"/></body></opml>'
    )
    assert [feed.url for feed in found.feeds] == ["https://t.example"]


@pytest.mark.conforms("B43")
@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"<rss version='2.0'/>", "XML, but not OPML"),
        (b"Dear ferry,\n", "neither OPML nor a Planet's config.ini"),
        (b"[Planet]\nname = x\n", "it names no feed"),
        (b"\xff\xfe\x00", "neither OPML"),
        (b"", "it names no feed"),
    ],
)
def test_what_is_no_list_is_refused(document: bytes, told: str) -> None:
    with pytest.raises(AggregatorError, match=told):
        read_list(document)
