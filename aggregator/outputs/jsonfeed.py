"""What is an edition in JSON Feed 1.1?"""

import json
from collections.abc import Mapping
from typing import Any

from aggregator.model.editions import Also, Edition, Format, Site, Source
from aggregator.model.items import Enclosure
from aggregator.outputs.archives import CURRENT, Leaf
from aggregator.outputs.articles import Article, Masthead, Printed, masthead, select
from aggregator.outputs.clean import UNKNOWN_TYPE

VERSION = "https://jsonfeed.org/version/1.1"


def render(edition: Edition, site: Site, leaf: Leaf = CURRENT) -> Printed:
    """Print ``edition`` as a JSON Feed.

    Beyond the standard an item has the custom objects ``_source`` (title, url, home, owner),
    ``_also`` (``reports``: a list of title, url, source, owner, date_published, copy) and
    ``_agency`` (name). Equal input gives equal bytes. Raises ValueError when the edition's own
    date has no zone.
    """
    head = masthead(edition, site, Format.JSON, leaf)
    selection = select(edition)
    items = [_item(article, head.language) for article in selection.articles]
    text = json.dumps(
        _said({**_head(head), "items": items}), ensure_ascii=False, separators=(",", ":")
    )
    # Harmless inside a script element (HTML standard, "restrictions for contents of script").
    text = text.replace("</", "<\\/").replace("<!--", "<\\u0021--")
    return Printed(body=text.encode(), dropped=selection.dropped)


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not said; an empty list of items is said."""
    return {
        name: value
        for name, value in members.items()
        if name == "items" or (value is not None and value not in ("", [], {}))
    }


def _head(head: Masthead) -> dict[str, Any]:
    return {
        "version": VERSION,
        "title": head.title,
        "home_page_url": head.home_url,
        "feed_url": head.current_url,  # "the unique identifier for the feed", on any page
        "next_url": head.previous_url,
        "description": head.description,
        "authors": [{"name": head.site_title, "url": head.site_url}],
        "language": head.language,
        "hubs": [{"type": "WebSub", "url": hub} for hub in head.hubs],
    }


def _item(article: Article, language: str) -> dict[str, Any]:
    entry = article.entry
    return _said(
        {
            "id": entry.id,
            "url": entry.link,
            "title": entry.title,
            "content_html": article.body,
            # One of the two "must be present".
            "content_text": "" if article.body else entry.title,
            "summary": article.teaser,
            "image": entry.image,
            "date_published": entry.published.isoformat(),
            "date_modified": entry.updated.isoformat(),
            "authors": [{"name": name} for name in article.byline],
            "tags": list(entry.categories),
            "language": entry.language if entry.language != language else None,
            "attachments": [_attachment(enclosure) for enclosure in entry.enclosures],
            "_source": _source(entry.source),
            "_also": _said({"reports": [_report(report) for report in entry.also]}),
            "_agency": _said({"name": entry.agency}),
        }
    )


def _attachment(enclosure: Enclosure) -> dict[str, Any]:
    return _said(
        {
            "url": enclosure.url,
            "mime_type": enclosure.media_type or UNKNOWN_TYPE,
            "size_in_bytes": enclosure.length,
        }
    )


def _source(source: Source | None) -> dict[str, Any]:
    if source is None:
        return {}
    return _said(
        {"title": source.title, "url": source.url, "home": source.home, "owner": source.owner}
    )


def _report(report: Also) -> dict[str, Any]:
    return {
        "title": report.title,
        "url": report.link,
        "source": report.source,
        "owner": report.owner,
        "date_published": report.published.isoformat(),
        "copy": report.copy,
    }
