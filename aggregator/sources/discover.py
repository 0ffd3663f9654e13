"""Which feeds does a page offer?

Pure: a page in, addresses out, best first. Nothing is fetched, no script is run.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from aggregator.sources.page import MAX_TITLE, Anchor, Attributes, Page, read_page, relations
from aggregator.text.urls import absolute, registrable_domain
from aggregator.text.xml import clip, one_line

MAX_OFFERS = 50

# application/x-atom+xml, text/rss, application/rdf+xml; not text/xml+oembed and its like.
_FEED_TYPE = re.compile(r"(?:application|text)/(?:x-)?(rss|atom|rdf|feed)(?:\+(?:xml|json))?")
# May be a feed, a post of WordPress's own interface, or a map of the site: the address decides.
_VAGUE_TYPES = frozenset({"application/json", "application/xml", "text/xml"})
_FEED_PATH = re.compile(
    r"/(?:feeds?|rss2?|atom)(?:/|$)|(?:^|[/._-])(?:feed|rss2?|atom|index)\.(?:xml|rdf|json)$"
    r"|\.(?:rss|atom)$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|type|output)=(?:rss2?|atom|feed)", re.IGNORECASE)
_FEED_HOSTS = re.compile(r"(?:feeds?|rss)\d?\.", re.IGNORECASE)  # feeds.example.org, anybody's
_COMMENTS = re.compile(
    r"\b(?:comments?|kommentare?|commentaires?|comentarios?|comentários|commenti|reacties|replies)\b",
    re.IGNORECASE,
)
_FORMATS = {"rss": "RSS", "rdf": "RSS", "atom": "Atom", "feed": "JSON Feed"}

# Where feeds lie when a page names none, the most usual first: WordPress, Hugo and others, Jekyll.
_PLACES = ("feed/", "rss.xml", "feed.xml", "index.xml", "atom.xml", "rss", "feed.json")


class Offer(Struct, frozen=True, kw_only=True):
    """An address that may be a feed.

    ``url`` is absolute, http or https. ``title`` is what the page calls it, ``format`` what it
    says it is (RSS, Atom, JSON Feed), both '' when it does not. ``declared`` when the page says
    that it is a feed (``<link>``), rather than only linking to something that looks like one.
    """

    url: str
    title: str = ""
    format: str = ""
    declared: bool = True
    comments: bool = False


def offers_of(body: bytes, content_type: str, url: str) -> tuple[Offer, ...]:
    """Return what the page at ``url`` (effective address) offers, best first, each address once.

    At first what it declares, in its order: the first alternate is the feed of the page (HTML
    Standard, 4.6.7.1, "alternate"). Then links that look like feeds. Feeds of comments come last.
    ``content_type`` is the header as sent. Never raises; at most 50.
    """
    found = read_page(body, content_type, url, follow=_looks_like_feed)
    offers: dict[str, Offer] = {}
    for offer in _judged(found, url):
        known = offers.setdefault(offer.url, offer)
        if offer.declared and not known.declared:
            offers[offer.url] = offer
    ranked = sorted(offers.values(), key=lambda offer: (offer.comments, not offer.declared))
    return tuple(ranked[:MAX_OFFERS])


def common_places(url: str) -> tuple[str, ...]:
    """Return where the feed of the site at ``url`` may lie when its page names none, in order.

    A page in a folder may have a feed of its own there: two of the places are looked at first.
    """
    folder = urljoin(url, ".")
    own = [folder + place for place in ("feed/", "index.xml")]
    whole = [urljoin(url, "/" + place) for place in _PLACES]
    if urlsplit(folder).path in {"", "/"}:
        own = []
    return tuple(dict.fromkeys(own + whole))


def spelled_out(text: str) -> tuple[str, ...]:
    """Return the addresses that ``text``, as somebody typed it, may mean, in order to be tried.

    Without a scheme https, then http; ``feed:`` goes (feed://host, feed:https://host). Empty when
    it is no http or https address.
    """
    text = text.strip()
    if text[:5].lower() == "feed:":
        text = text[5:]
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme:
        found = absolute(text, "") if scheme[1].lower() in {"http", "https"} else None
        return (found,) if found else ()
    bare = text.lstrip("/")
    host = re.split(r"[/?#]", bare, maxsplit=1)[0]
    # mailto:me@example.org would become a user name and a host.
    if not bare or "@" in host or re.search(r"\s", host):
        return ()
    tried = (absolute(f"{way}://{bare}", "") for way in ("https", "http"))
    return tuple(address for address in tried if address)


def _judged(found: Page, page: str) -> Iterator[Offer]:
    here = page.partition("#")[0]
    offers = [*_declared(found.links, found.base), *_linked(found.anchors, found.base, page)]
    return (offer for offer in offers if offer.url != here)


def _declared(links: Iterable[Attributes], base: str) -> Iterator[Offer]:
    for link in links:
        rel = relations(link)
        if not rel & {"alternate", "feed"} or "stylesheet" in rel:
            continue
        address = _address(link["href"], base)
        kind = link.get("type", "").partition(";")[0].strip().lower()
        if address and _is_feed(address, kind, rel):
            yield _offer(address, link.get("title", ""), kind, declared=True)


def _is_feed(address: str, kind: str, rel: frozenset[str]) -> bool:
    if _FEED_TYPE.fullmatch(kind):
        return True
    if kind in _VAGUE_TYPES:
        return _looks_like_feed(address)
    return not kind and ("feed" in rel or _looks_like_feed(address))


def _linked(anchors: Iterable[Anchor], base: str, page: str) -> Iterator[Offer]:
    """Keep to the site: pages are full of links to other readers' and networks' "feed"."""
    home = registrable_domain(page)
    for anchor, text in anchors:
        address = _address(anchor["href"], base)
        if address is None:
            continue
        host = urlsplit(address).hostname or ""
        if registrable_domain(address) == home or _FEED_HOSTS.match(host):
            kind = anchor.get("type", "").strip().lower()
            yield _offer(address, anchor.get("title") or " ".join(text), kind, declared=False)


def _offer(address: str, title: str, kind: str, *, declared: bool) -> Offer:
    title = clip(one_line(title[:1000]), MAX_TITLE)
    found = _FEED_TYPE.fullmatch(kind)
    return Offer(
        url=address,
        title=title,
        format=_FORMATS[found[1]] if found else "",
        declared=declared,
        comments=_COMMENTS.search(f"{urlsplit(address).path} {title}") is not None,
    )


def _address(href: str, base: str) -> str | None:
    href = href.strip()
    if href[:5].lower() == "feed:":
        href = next(iter(spelled_out(href)), "")
    address = absolute(href, base)
    return address.partition("#")[0] if address else None


def _looks_like_feed(href: str) -> bool:
    if href[:5].lower() == "feed:":
        return True
    address, _, query = href[:2000].partition("#")[0].partition("?")
    path = address.partition("://")[2].partition("/")[2] if "://" in address else address
    return bool(_FEED_PATH.search(f"/{path.lstrip('/')}") or _FEED_QUERY.search(query))
