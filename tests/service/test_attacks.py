"""Does anything that a publisher writes do anything in a reader's browser?

Every attack stands in every field of an entry and of a feed, in three formats, and goes through the
pipeline as captured documents do. What comes out is read twice: as text, by a parser that knows
what our pages are made of, and by a browser, in which each attack would tell on itself.
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree
from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.service.building import parse_workers
from aggregator.service.desk import Desk
from aggregator.service.replay import Replay, captures, feeds_of
from aggregator.service.searching import Asked, Searcher, index_some
from aggregator.settings import load
from aggregator.storage import Store
from tests.attacks import ADDRESSES, ALL, armed
from tests.browser import DONE, TRAP, Stage, browser, look, staged
from tests.service.stage import store_in

AT = datetime(2031, 5, 12, 9, tzinfo=UTC)
CHUNK = 12  # entries of a feed
PATIENCE = 100.0  # seconds, below what a test may take
OUTPUTS = (
    "outputs: [{kind: latest, limit: 1000, per_owner: 1000},"
    " {kind: top, limit: 1000, per_owner: 1000}]\n"
)

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_NAMES = (
    "a abbr b blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span"
    " strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr"
)
_TEXT = frozenset(_NAMES.split())
_OURS = _TEXT | {
    *("html", "head", "meta", "title", "link", "body", "header", "nav", "main", "section"),
    *("article", "bdi", "details", "footer", "form", "label", "input", "button"),
}
_ADDRESSED = frozenset(("href", "src", "action", "poster", "data", "background", "cite", "srcset"))


@dataclass(slots=True)
class Outcome:
    """What came out: pages by path, and the markup in entries of feeds with their addresses."""

    pages: dict[str, bytes] = field(default_factory=dict)
    feeds: dict[str, bytes] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as held:
        yield held


@pytest.fixture(scope="module")
def outcome(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Send every attack through the pipeline, once for all tests."""
    folder = tmp_path_factory.mktemp("attacks")
    day = folder / "day"
    day.mkdir()
    attacks = [armed(attack, n, stage.origin + TRAP) for n, attack in enumerate(ALL, start=1)]
    for start in range(0, len(attacks), CHUNK):
        some = attacks[start : start + CHUNK]
        for form, write in (("rss", rss), ("atom", atom), ("json", json_feed)):
            path = day / f"{AT:%Y%m%dT%H%M%SZ}__{form}-{start}.xml"
            path.write_bytes(write(start, some).encode("utf-8", "replace"))
    (folder / "outputs.yaml").write_text(OUTPUTS, encoding="utf-8")
    settings = load(feeds=None, config=folder, environ={})
    settings = replace(settings, site=replace(settings.site, base_url=stage.origin))
    workers = parse_workers(settings)
    try:
        with closing(store_in(folder)) as store:
            found = captures(day)
            run = Replay(store, settings, workers, feeds_of((one.feed for one in found), ()))
            visits = list(run.run(found))
            assert [visit.reason for visit in visits if visit.reason] == []
            assert store.items.count() >= 3 * len(ALL) * 0.9
            return told(store, Desk.over(store, settings), settings.site)
    finally:
        workers.close()


def told(store: Store, desk: Desk, site: Site) -> Outcome:
    """Gather all that readers may be sent: outputs, the page of every story, searches."""
    outcome = Outcome()
    for rendered in (*store.outputs.all(), *desk.stories.standing()):
        kind = outcome.pages if rendered.media_type == "text/html" else outcome.feeds
        kind[rendered.path] = rendered.body
    while index_some(store):
        pass
    searcher = Searcher(store.reader, site=site, topics=(), clock=lambda: AT, born=AT)
    with closing(searcher):
        for n, text in enumerate(("entry", "script", "onerror", "javascript", "svg", *ALL)):
            page = searcher.answer(Asked.of(text)).variants[-1].body
            outcome.pages[f"search/{n}"] = page
    for path, body in outcome.feeds.items():
        (read_json if path.endswith(".json") else read_xml)(body, outcome)
    return outcome


def rss(number: int, attacks: list[str]) -> str:
    items = "".join(
        f"<item><title>Entry {number + n}: {escape(a)}</title><link>{escape(a)}</link>"
        f"<guid>{escape(a)}{number + n}</guid><description>{escape(a)}</description>"
        f"<content:encoded>{escape(f'<p>Text {number + n}</p>{a}')}</content:encoded>"
        f"<author>{escape(a)}</author><dc:creator>{escape(a)}</dc:creator>"
        f"<category>{escape(a)}</category><comments>{escape(a)}</comments>"
        f"<enclosure url={quoteattr(a)} type={quoteattr(a)} length={quoteattr(a)}/>"
        f"<media:thumbnail url={quoteattr(a)}/><source url={quoteattr(a)}>{escape(a)}</source>"
        f"<dc:language>{escape(a)}</dc:language></item>"
        for n, a in enumerate(attacks)
    )
    first = attacks[0]
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">'
        f"<channel><title>{escape(first)}</title><link>{escape(first)}</link>"
        f"<description>{escape(first)}</description><language>{escape(first)}</language>"
        f"<image><url>{escape(first)}</url><title>{escape(first)}</title></image>"
        f"<generator>{escape(first)}</generator>{items}</channel></rss>"
    )


def atom(number: int, attacks: list[str]) -> str:
    entries = "".join(
        f'<entry><id>{escape(a)}{number + n}</id><title type="html">Entry {number + n} {escape(a)}'
        f"</title><link href={quoteattr(a)}/>"
        f"<link rel='enclosure' href={quoteattr(a)} type={quoteattr(a)}/>"
        f'<summary type="html">{escape(a)}</summary><rights type="html">{escape(a)}</rights>'
        f'<content type="html">{escape(f"<p>Text {number + n}</p>{a}")}</content>'
        f"<author><name>{escape(a)}</name><uri>{escape(a)}</uri></author>"
        f"<category term={quoteattr(a)} label={quoteattr(a)}/>"
        f"<updated>2031-05-12T08:{n:02}:00Z</updated></entry>"
        for n, a in enumerate(attacks)
    )
    first = attacks[-1]
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><id>{escape(first)}</id>'
        f'<title type="html">{escape(first)}</title><subtitle>{escape(first)}</subtitle>'
        f"<link href={quoteattr(first)}/><icon>{escape(first)}</icon><logo>{escape(first)}</logo>"
        f"<author><name>{escape(first)}</name></author><updated>2031-05-12T08:00:00Z</updated>"
        f"{entries}</feed>"
    )


def json_feed(number: int, attacks: list[str]) -> str:
    items = [
        {
            "id": f"{a}{number + n}",
            "title": f"Entry {number + n} – {a}",
            "url": a,
            "external_url": a,
            "summary": a,
            "content_html": f"<p>Text {number + n}</p>{a}",
            "content_text": a,
            "image": a,
            "banner_image": a,
            "authors": [{"name": a, "url": a, "avatar": a}],
            "tags": [a],
            "language": a,
            "attachments": [{"url": a, "mime_type": a, "title": a}],
        }
        for n, a in enumerate(attacks)
    ]
    first = attacks[len(attacks) // 2]
    head = ("title", "description", "home_page_url", "icon", "favicon", "language", "user_comment")
    version = {"version": "https://jsonfeed.org/version/1.1"}
    return json.dumps(version | dict.fromkeys(head, first) | {"items": items})


def read_xml(body: bytes, outcome: Outcome) -> None:
    """Gather what a feed says that a reader's program shows as markup, and where it leads."""
    root = etree.fromstring(body)
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        is_html = element.get("type") == "html" or element.tag in {_CONTENT, "description"}
        if is_html and element.text:
            outcome.texts.append(element.text)
        if element.tag in {"link", "url", "docs", f"{_ATOM}uri"} and element.text:
            outcome.addresses.append(element.text)
        for name in ("href", "url", "src", "xmlUrl", "htmlUrl"):
            if element.get(name):
                outcome.addresses.append(element.get(name))


def read_json(body: bytes, outcome: Outcome) -> None:
    held: dict[str, Any] = json.loads(body)
    for one in held["items"]:
        outcome.texts.append(one.get("content_html", ""))
        outcome.addresses += [one[key] for key in ("url", "image", "external_url") if key in one]
        outcome.addresses += [each["url"] for each in one.get("attachments", ())]


class Inspector(HTMLParser):
    """Finds what is active in markup, or is none of ``allowed``."""

    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed = allowed
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._allowed:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "formaction", "xlink:href"}:
                self.wrong.append(f"<{tag} {name}>")
            if name in _ADDRESSED and not is_harmless(value or ""):
                self.wrong.append(f"<{tag} {name}={value!r}>")
            if tag == "meta" and name == "http-equiv":
                self.wrong.append("<meta http-equiv>")


def is_harmless(address: str) -> bool:
    """Whether an address leads to a web page, here or elsewhere, and to nothing else."""
    bare = re.sub(r"[\x00-\x20\x7f-\x9f\u200e\u202a-\u202e]", "", address)
    if bare.startswith("feed:http"):  # ours, to subscribe
        bare = bare.removeprefix("feed:")
    return not urlsplit(bare).scheme or bare.startswith(("http://", "https://"))


def wrong_in(markup: str, allowed: frozenset[str]) -> list[str]:
    found = Inspector(allowed)
    found.feed(markup)
    found.close()
    return found.wrong


def test_there_are_enough_attacks_and_the_inspector_knows_one_when_it_sees_it() -> None:
    assert len(ALL) >= 100
    live = [a for a in ALL if a not in ADDRESSES and wrong_in(armed(a, 1, "/t"), _TEXT)]
    assert len(live) >= 100
    assert [a for a in ADDRESSES if not is_harmless(armed(a, 1, "/t"))] != []


@pytest.mark.slow
@pytest.mark.conforms("D26", "D27", "D28", "D31")
def test_no_attack_is_active_on_a_page(outcome: Outcome) -> None:
    together = b"".join(outcome.pages.values()).decode()
    assert [n for n in range(len(ALL)) if not re.search(rf"Entry {n}\b", together)] == []
    for path, body in outcome.pages.items():
        assert wrong_in(body.decode(), _OURS) == [], path


@pytest.mark.slow
@pytest.mark.conforms("D26", "D27", "D28", "D31")
def test_no_attack_is_active_in_a_feed(outcome: Outcome) -> None:
    together = "".join(outcome.texts)
    assert [n for n in range(len(ALL)) if not re.search(rf"Text {n}\b", together)] == []
    for text in outcome.texts:
        assert wrong_in(text, _TEXT) == []
    assert [address for address in outcome.addresses if not is_harmless(address)] == []
    assert all(address.startswith("http") for address in outcome.addresses)


_HARNESS = """<!doctype html><meta charset="utf-8"><title>harness</title><script>
const hits = [];
addEventListener('message', (e) => hits.push(String(e.data)));
const pause = (ms) => new Promise((r) => setTimeout(r, ms));
const kinds = ['mouseover', 'mouseenter', 'click', 'focus', 'focusin', 'pointerdown', 'error',
  'load', 'toggle', 'animationstart'];
const provoke = (doc) => {
  for (const one of doc.querySelectorAll('*')) {
    for (const kind of kinds) one.dispatchEvent(new Event(kind, {bubbles: false}));
    const to = one.href || one.action || '';
    if (to && !/^(https?|feed):/.test(String(to))) one.click && one.click();
  }
};
const visit = (path) => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.onload = async () => {
    try { provoke(frame.contentDocument); } catch (e) { hits.push(path + ' ' + e); }
    await pause(0);
    frame.remove();
    done();
  };
  frame.src = path;
  document.body.append(frame);
});
onload = async () => {
  const paths = await (await fetch('/paths.json')).json();
  for (let n = 0; n < paths.length; n += 8) await Promise.all(paths.slice(n, n + 8).map(visit));
  await pause(500);
  await fetch('%s', {method: 'POST', body: JSON.stringify({seen: paths.length, hits})});
};
</script><body>"""


def shown(stage: Stage, pages: dict[str, tuple[str, bytes]]) -> dict[str, Any]:
    """Let a browser look at ``pages``; return how many it saw, and what told on itself."""
    browser()
    stage.shown = {f"/{path}": page for path, page in pages.items()}
    stage.shown["/harness"] = ("text/html", (_HARNESS % DONE).encode())
    paths = json.dumps([f"/{path}" for path in pages]).encode()
    stage.shown["/paths.json"] = ("application/json", paths)
    stage.trapped.clear()
    stage.done.clear()
    told: dict[str, Any] = look(stage, "/harness", patience=PATIENCE)
    return told


@pytest.mark.slow
def test_a_browser_is_hit_by_attacks_that_nobody_disarms(stage: Stage) -> None:
    bare = [armed(a, n, stage.origin + TRAP) for n, a in enumerate(ALL) if a not in ADDRESSES]
    pages = {f"bare/{n}": ("text/html; charset=utf-8", a.encode()) for n, a in enumerate(bare)}
    told = shown(stage, pages)
    assert told["seen"] == len(bare)
    assert len(set(told["hits"])) + len(set(stage.trapped)) > 60


@pytest.mark.slow
@pytest.mark.conforms("D26", "D27", "D28", "D29", "D31")
def test_a_browser_is_hit_by_nothing_that_we_publish(stage: Stage, outcome: Outcome) -> None:
    page, html = "text/html; charset=utf-8", "<!doctype html><meta charset=utf-8>"
    pages = {path: (page, body) for path, body in outcome.pages.items()}
    for n in range(0, len(outcome.texts), 200):
        body = html + "<hr>".join(outcome.texts[n : n + 200])
        pages[f"reader/{n}"] = (page, body.encode())
    for path, document in outcome.feeds.items():
        if not path.endswith(".json"):
            pages[path] = ("application/xml", document)
    told = shown(stage, pages)
    assert told == {"seen": len(pages), "hits": []}
    assert stage.trapped == []
