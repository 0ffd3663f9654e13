"""What do the made-up publishers' documents look like?"""

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from aggregator.service.demo.newsroom import Article, Publisher, Shape

MEDIA_TYPES = {
    Shape.RSS: "application/rss+xml; charset=utf-8",
    Shape.ATOM: "application/atom+xml; charset=utf-8",
    Shape.RDF: "application/rdf+xml; charset=utf-8",
    Shape.JSON: "application/feed+json; charset=utf-8",
}

FEED_PATHS = {
    Shape.RSS: "/rss.xml",
    Shape.ATOM: "/atom.xml",
    Shape.RDF: "/index.rdf",
    Shape.JSON: "/feed.json",
}


class Press:
    """Prints documents. ``homes`` gives each publisher's base address, without a closing slash."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = homes
        self._templates = Environment(
            loader=PackageLoader("aggregator.service.demo"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["rfc822"] = lambda when: format_datetime(when, usegmt=True)
        self._templates.filters["rfc3339"] = _rfc3339

    def feed(self, publisher: Publisher, articles: tuple[Article, ...]) -> bytes:
        """Print the publisher's feed in its own format, ``articles`` in the order given."""
        if publisher.format is Shape.JSON:
            return json.dumps(self._json_feed(publisher, articles), ensure_ascii=False).encode()
        return self._print(f"{publisher.format}.xml", publisher, articles)

    def front(self, publisher: Publisher, articles: tuple[Article, ...]) -> bytes:
        """Print the publisher's home page: its headlines, and a link to its feed in the head."""
        return self._print("front.html", publisher, articles)

    def article(self, publisher: Publisher, article: Article) -> bytes:
        """Print the page that a headline leads to."""
        return self._print("article.html", publisher, (article,))

    def link(self, publisher: Publisher, article: Article) -> str:
        """Give the article's address as ``publisher`` prints it.

        A sister title's article is linked with the tracking parameters of the one who links.
        """
        address = f"{self._homes[article.home]}/news/{article.slug}"
        if article.home == publisher.id:
            return address
        return f"{address}?{urlencode({'utm_source': publisher.id, 'utm_medium': 'feed'})}"

    def picture(self, article: Article) -> str:
        """Give the address of the article's picture; only for articles that have one."""
        return f"{self._homes[article.home]}/pictures/{article.slug}.png"

    def _print(self, template: str, publisher: Publisher, articles: tuple[Article, ...]) -> bytes:
        text = self._templates.get_template(template).render(
            publisher=publisher,
            articles=articles,
            home=self._homes[publisher.id],
            feed=self._homes[publisher.id] + FEED_PATHS[publisher.format],
            media_type=MEDIA_TYPES[publisher.format].partition(";")[0],
            link=lambda article: self.link(publisher, article),
            guid=lambda article: guid(publisher, article),
            picture=self.picture,
            html=_html,
        )
        return text.encode()

    def _json_feed(self, publisher: Publisher, articles: tuple[Article, ...]) -> dict[str, object]:
        home = self._homes[publisher.id]
        return {
            "version": "https://jsonfeed.org/version/1.1",
            "title": publisher.title,
            "home_page_url": f"{home}/",
            "feed_url": home + FEED_PATHS[publisher.format],
            "description": publisher.tagline,
            "language": publisher.language,
            "items": [self._json_item(publisher, article) for article in articles],
        }

    def _json_item(self, publisher: Publisher, article: Article) -> dict[str, object]:
        item: dict[str, object] = {
            "id": guid(publisher, article),
            "url": self.link(publisher, article),
            "title": article.title,
            "summary": article.paragraphs[0],
            "content_html": _html(article),
            "date_published": _rfc3339(article.published),
            "date_modified": _rfc3339(article.updated),
            "authors": [{"name": article.author}],
            "tags": [article.category],
        }
        if article.picture:
            item["image"] = self.picture(article)
        return item


def guid(publisher: Publisher, article: Article) -> str:
    """Name the entry by a tag URI (RFC 4151), for a port number is no lasting name."""
    return f"tag:{publisher.id}.example,2024:{article.slug}"


def _html(article: Article) -> str:
    """Mark up the article's text; a plain ``str``, so that a template escapes it for its XML."""
    return "\n".join(f"<p>{escape(words, quote=False)}</p>" for words in article.paragraphs)


def _rfc3339(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
