"""Who announces the news of a feed, and under which name?

WebSub section 4: HTTP Link headers first, then link elements of the document; the first match of
each relation stands.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from aggregator.model.push import NO_HUB, HubLinks
from aggregator.sources.answers import Headers, all_of
from aggregator.text.patterns import late
from aggregator.text.urls import absolute, registrable_domain

MAX_HUBS = 4
MAX_LINK = 8192  # bytes of Link headers that are read

# RFC 8288 section 3: <target>; name=token; name="quoted \" string", <next>…
_LINK = late(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)')
_PARAMETER = late(r';\s*([^\s=;,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')

Link = tuple[str, str]
"""A relation (lower case) and the address as written."""


def in_headers(headers: Headers, url: str) -> HubLinks:
    """Return what the Link headers of the answer from ``url`` (effective address) say."""
    lines = list(all_of(headers, b"link"))
    if not lines:
        return NO_HUB
    return of_links(_header_links(b",".join(lines)[:MAX_LINK].decode("latin-1")), url)


def of_links(links: Iterable[Link], url: str) -> HubLinks:
    """Return the hubs among ``links`` of the document at ``url``, and its first rel=self."""
    hubs: dict[str, None] = {}
    topic = None
    for relations, href in links:
        address = absolute(href, url)
        if address is None:
            continue
        names = relations.lower().split()
        if "hub" in names and len(hubs) < MAX_HUBS:
            hubs[address] = None
        if "self" in names:
            topic = topic or address
    return HubLinks(hubs=tuple(hubs), topic=topic)


def advertised(headers: HubLinks, document: HubLinks, *, asked: str, url: str) -> HubLinks:
    """Return who announces the feed ``asked`` at and answered from ``url``.

    A document without rel=self goes by ``url``. One that claims to be somebody else's, at a domain
    that is neither of these two, is not believed: a hub would be asked for another's news.
    """
    hubs = headers.hubs or document.hubs
    if not hubs:
        return NO_HUB
    topic = headers.topic or document.topic or url
    if registrable_domain(topic) not in {registrable_domain(asked), registrable_domain(url)}:
        return NO_HUB
    return HubLinks(hubs=hubs, topic=topic)


def ways(hubs: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses to try, in order: those that nobody can listen in on come first.

    WebSub section 9.2 wants hubs to be asked over https: one that is advertised under http, on
    its usual port, is tried under https before.
    """
    listed = tuple(hubs)
    secure = (hub for hub in listed if hub.startswith("https:"))
    return tuple(dict.fromkeys((*secure, *filter(None, map(safer, listed)), *listed)))


def safer(hub: str) -> str | None:
    """Return where a hub under http, on its usual port, may be found under https."""
    if not hub.startswith("http:") or urlsplit(hub).port is not None:
        return None
    return f"https{hub[len('http') :]}"


def _header_links(text: str) -> Iterator[Link]:
    for target, parameters in _LINK.findall(text):
        told: dict[str, str] = {}
        for name, quoted, token in _PARAMETER.findall(parameters):
            told.setdefault(name.lower(), quoted or token)
        # RFC 8288 section 3.2: with an anchor, the link is another document's.
        if "anchor" not in told:
            yield told.get("rel", ""), target
