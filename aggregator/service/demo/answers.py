"""What does a made-up publisher answer to a request?"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from msgspec import Struct

from aggregator.service.demo import pictures
from aggregator.service.demo.newsroom import Article, Newsroom, Publisher, Trouble
from aggregator.service.demo.pages import FEED_PATHS, MEDIA_TYPES, Press

_PAGE = "text/html; charset=utf-8"


class Reply(Struct, frozen=True, kw_only=True):
    """An HTTP answer. ``changed`` (aware UTC, whole seconds) becomes Last-Modified."""

    body: bytes
    media_type: str = _PAGE
    status: HTTPStatus = HTTPStatus.OK
    changed: datetime | None = None
    more: tuple[tuple[str, str], ...] = ()

    @property
    def etag(self) -> str:
        """The strong validator of the body, with its quotes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'

    def headers(self) -> list[tuple[str, str]]:
        """Every header but those of the connection.

        No Date: these publishers have no clock of their own (RFC 9110 section 6.6.1).
        """
        told = [("Content-Type", self.media_type), ("Content-Length", str(len(self.body)))]
        told.extend(self.more)
        if self.changed:
            told.append(("ETag", self.etag))
            told.append(("Last-Modified", format_datetime(self.changed, usegmt=True)))
        return told


_MISSING = Reply(body=b"<p>No such page.</p>", status=HTTPStatus.NOT_FOUND)
_BROKEN = Reply(
    body=b"<h1>Internal Server Error</h1><p>Error establishing a database connection.</p>",
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
)


def answer(newsroom: Newsroom, press: Press, publisher: Publisher, path: str) -> Reply:
    """Answer GET ``path`` as ``publisher`` would (the query is not looked at)."""
    path = path.partition("?")[0]
    articles = newsroom.articles(publisher.id)
    if path == FEED_PATHS[publisher.format]:
        return _feed(press, publisher, articles)
    if path == "/":
        return Reply(body=press.front(publisher, articles))
    place, _, name = path.removeprefix("/").partition("/")
    slug = name.removesuffix(".png")
    article = next((a for a in articles if a.home == publisher.id and a.slug == slug), None)
    if article and place == "news" and name == slug:
        return Reply(body=press.article(publisher, article))
    if article and article.picture and place == "pictures" and name != slug:
        body = pictures.painting(article.picture, f"{publisher.id}/{slug}")
        return Reply(body=body, media_type="image/png", changed=article.published)
    return _MISSING


def _feed(press: Press, publisher: Publisher, articles: tuple[Article, ...]) -> Reply:
    if publisher.trouble is Trouble.ERROR:
        return _BROKEN
    if publisher.trouble is Trouble.PAGE:
        return Reply(body=press.front(publisher, articles))
    body = press.feed(publisher, articles)
    if publisher.trouble is Trouble.CUT:
        body = body[: body.rindex(b"<title>") + 4]  # torn before the last entry has said anything
    changed = max(article.updated for article in articles)
    return Reply(body=body, media_type=MEDIA_TYPES[publisher.format], changed=changed)


def unchanged(reply: Reply, asked: Mapping[str, str]) -> bool:
    """Tell whether 304 will do, by the conditions in ``asked`` (header names in lower case).

    If-None-Match goes before If-Modified-Since (RFC 9110 section 13.2.2) and compares weakly
    (section 13.1.2). A date that is none is no condition.
    """
    if reply.changed is None:
        return False
    if known := asked.get("if-none-match"):
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or reply.etag in tags
    since = _http_date(asked.get("if-modified-since", ""))
    return since is not None and reply.changed <= since


def _http_date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
