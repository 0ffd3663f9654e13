"""Is this JSON Feed 1.1?"""

import json
import re
from datetime import datetime
from typing import Any

import jsonschema

from tests.outputs.validator import markup, values
from tests.outputs.validator.findings import Findings

_TEXT = {"type": "string", "minLength": 1}
_OWN: dict[str, object] = {"^_[A-Za-z][A-Za-z0-9_]*$": {"type": "object"}}


def _object(required: str = "", **members: object) -> dict[str, object]:
    """Members that the standard does not name are custom objects, or a mistake."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": members,
        "patternProperties": _OWN,
        "additionalProperties": False,
    }


def _list(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


_AUTHOR = {**_object(name=_TEXT, url=_TEXT, avatar=_TEXT), "minProperties": 1}
_ATTACHMENT = _object(
    "url mime_type",
    url=_TEXT,
    mime_type=_TEXT,
    title=_TEXT,
    size_in_bytes={"type": "integer", "minimum": 0},
    duration_in_seconds={"type": "number", "minimum": 0},
)
_ITEM = {
    **_object(
        "id",
        id=_TEXT,
        url=_TEXT,
        external_url=_TEXT,
        title=_TEXT,
        content_html=_TEXT,
        content_text=_TEXT,
        summary=_TEXT,
        image=_TEXT,
        banner_image=_TEXT,
        date_published=_TEXT,
        date_modified=_TEXT,
        authors=_list(_AUTHOR),
        tags=_list(_TEXT),
        language=_TEXT,
        attachments=_list(_ATTACHMENT),
    ),
    "anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}],
}
SCHEMA = _object(
    "version title items",
    version={"const": "https://jsonfeed.org/version/1.1"},
    title=_TEXT,
    home_page_url=_TEXT,
    feed_url=_TEXT,
    description=_TEXT,
    user_comment=_TEXT,
    next_url=_TEXT,
    icon=_TEXT,
    favicon=_TEXT,
    authors=_list(_AUTHOR),
    language=_TEXT,
    expired={"type": "boolean"},
    hubs=_list(_object("type url", type=_TEXT, url=_TEXT)),
    items=_list(_ITEM),
)
"""Written from the text of the standard. ``author`` is deprecated, and missing here."""

_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def feed(body: bytes, location: str, now: datetime, to: Findings) -> None:
    """A document that was got from ``location``."""
    try:
        document = json.loads(body.decode("utf-8"))
    except ValueError as error:
        to.error(f"is not JSON in UTF-8: {error}")
        return
    faults = list(_VALIDATOR.iter_errors(document))
    for fault in faults:
        to.at("/".join(map(str, fault.absolute_path))).error(
            f"{fault.validator}: {fault.message[:200]}"
        )
    if not faults:
        _head(document, location, to)
        to.unique("the id", [item["id"] for item in document["items"]])
        for number, item in enumerate(document["items"]):
            _item(item, now, to.at(f"items[{number}]"))


def _head(document: Any, location: str, to: Findings) -> None:
    values.plain(document["title"], to.at("title"))
    # "The unique identifier for the feed": that of the current document, on any page.
    current = re.sub(r"/archive/\d+(?=\.json$)", "", location)
    if document.get("feed_url") != current:
        to.warning(f"says that it is {document.get('feed_url')}, and stands at {location}")
    if document.get("next_url") == document.get("feed_url"):
        to.error("is its own next page")
    if "language" not in document:
        to.warning("language is missing")
    for name in ("home_page_url", "feed_url", "next_url", "icon", "favicon"):
        if name in document:
            values.web(document[name], to.at(name))
    for hub in document.get("hubs", ()):
        values.web(hub["url"], to.at("hubs"))
    _shared(document, to)


def _item(item: Any, now: datetime, to: Findings) -> None:
    for name in ("url", "external_url", "image", "banner_image"):
        if name in item:
            values.web(item[name], to.at(name))
    for name in ("title", "summary", "content_text"):
        if name in item:
            values.plain(item[name], to.at(name))
    if "content_html" in item:
        markup.html(item["content_html"], to.at("content_html"))
    dates = [
        values.rfc3339(item[name], to.at(name), now)
        for name in ("date_published", "date_modified")
        if name in item
    ]
    if dates != sorted(filter(None, dates)):
        to.warning("was modified before it was published")
    for attachment in item.get("attachments", ()):
        values.web(attachment["url"], to.at("attachments"))
        values.media_type(attachment["mime_type"], to.at("attachments"))
    for tag in item.get("tags", ()):
        values.plain(tag, to.at("tags"))
    _shared(item, to)


def _shared(node: Any, to: Findings) -> None:
    if "language" in node:
        values.language(node["language"], to.at("language"))
    for author in node.get("authors", ()):
        values.characters(author.get("name", "x"), to.at("authors"))
        for name in ("url", "avatar"):
            if name in author:
                values.web(author[name], to.at("authors"))
