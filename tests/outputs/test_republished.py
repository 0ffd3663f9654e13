"""What a publisher wrote is what our subscribers read: a document goes in, ours come out."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from aggregator.model.editions import Format, Kind, OutputSpec, Site
from aggregator.model.feeds import Feed
from aggregator.model.visits import ParsedFeed
from aggregator.outputs.addresses import MEDIA_TYPES, feed_url
from aggregator.outputs.documents import render
from aggregator.outputs.editions import latest
from aggregator.sources.parse import parse
from aggregator.storage import Store
from tests.outputs.validator import validate
from tests.service.stage import NOW, bring, store_in

SITE = Site(base_url="https://wire.example", title="The Wire")
SPEC = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest")
URL = "https://paper.example/feeds/atom"
ATOM = "{http://www.w3.org/2005/Atom}"
WRITTEN = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"
 xml:lang="fr" xml:base="https://paper.example/fr/">
<title>Le Papier</title><id>urn:x-paper</id><updated>2026-03-02T10:00:00Z</updated>
<author><name>La Rédaction</name></author><link rel="self" href="/feeds/atom"/>
<link href="/"/>
<entry xml:base="2026/"><id>tag:paper.example,2026:Pont%2F1</id><title type="html">Le pont &amp;amp; le p&#233;age</title>
<updated>2026-03-02T09:00:00Z</updated><published>2026-03-02T08:00:00Z</published>
<link href="pont"/><link rel="replies" href="pont#r" thr:count="3"/><link rel="via" href="//x.example/"/>
<link rel="http://paper.example/rel/amp" href="pont.amp"/><link rel="edit" href="pont.atom"/>
<link rel="enclosure" href="a.mp3" type="audio/mpeg" length="12"/>
<link rel="enclosure" href="b.mp3"/><link rel="enclosure" href="../c.pdf" type="application/pdf"/>
<content type="html">&lt;p&gt;&lt;a href="plan"&gt;Le plan&lt;/a&gt; &lt;img src="/p.jpg"&gt; du pont.&lt;/p&gt;</content>
</entry></feed>"""  # noqa: E501


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(store_in(tmp_path)) as held:
        held.feeds.configure((Feed(id="paper", url=URL, owner="paper"),), now=NOW)
        yield held


def published(store: Store, form: Format) -> bytes:
    read = parse(WRITTEN.encode(), "application/atom+xml", URL)
    assert isinstance(read, ParsedFeed)
    bring(store, "paper", read.entries, now=NOW)
    edition = latest(SPEC, tuple(store.items.all()), {}, store.feeds.sources(), born=NOW)
    body = render(edition, form, SITE).body
    here = feed_url(SPEC, form, SITE)
    assert validate(body, MEDIA_TYPES[form], location=here, now=NOW) == ()
    return body


def links(entry: Any) -> list[tuple[str, str]]:
    found = entry.iterfind(f"{ATOM}link")
    return [(link.get("rel", "alternate"), link.get("href")) for link in found]


@pytest.mark.conforms("B01", "B21", "B22")
def test_an_atom_entry_keeps_its_id_and_the_links_that_are_its_own(store: Store) -> None:
    """Links of other kinds are about the publisher's site, and left there."""
    entry = etree.fromstring(published(store, Format.ATOM)).find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == "tag:paper.example,2026:Pont%2F1"
    assert entry.findtext(f"{ATOM}title") == "Le pont & le péage"
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"
    assert sorted(links(entry)) == [
        ("alternate", "https://paper.example/fr/2026/pont"),
        ("enclosure", "https://paper.example/fr/2026/a.mp3"),
        ("enclosure", "https://paper.example/fr/2026/b.mp3"),
        ("enclosure", "https://paper.example/fr/c.pdf"),
    ]


@pytest.mark.conforms("B32", "B63")
@pytest.mark.parametrize("form", Format)
def test_addresses_are_made_whole_by_the_base_that_holds_where_they_stand(
    store: Store, form: Format
) -> None:
    body = published(store, form)
    if form is Format.JSON:
        text = json.loads(body)["items"][0]["content_html"]
    else:
        text = "".join(etree.fromstring(body).itertext())
    assert 'href="https://paper.example/fr/2026/plan"' in text
    assert 'src="https://paper.example/p.jpg"' in text
