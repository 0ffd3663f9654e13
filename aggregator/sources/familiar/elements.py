"""Which element is read by which rule?"""

from collections.abc import Callable

from aggregator.sources.familiar.draft import ITUNES, Attributes, Draft, Unfamiliar, mended

Rule = Callable[[Draft, Attributes, str, int], None]
"""Takes an element's attributes, its text, and its depth within the entry, which counts from 1."""


def _text_of(name: str) -> Rule:
    def keep(draft: Draft, _attributes: Attributes, text: str, depth: int) -> None:
        draft.keep(name, mended(text.strip()), depth)

    return keep


def _words_for(scheme: str | None) -> Rule:
    def add(draft: Draft, _attributes: Attributes, text: str, _depth: int) -> None:
        for word in mended(text.strip()).split(","):
            if term := word.strip():
                draft.tag(term, scheme, None)

    return add


def _figures_of(name: str) -> Rule:
    def keep(draft: Draft, attributes: Attributes, _text: str, _depth: int) -> None:
        draft.found[name] = attributes

    return keep


def nothing(_draft: Draft, _attributes: Attributes, _text: str, _depth: int) -> None:
    """Keep nothing."""


def unfamiliar(_draft: Draft, _attributes: Attributes, _text: str, _depth: int) -> None:
    """Leave the entry to feedparser."""
    raise Unfamiliar


# Those whose base address and language matter.
WORDED = frozenset({
    Draft.title, Draft.media_title, Draft.description, Draft.summary, Draft.content,
    Draft.content_encoded,
})  # fmt: skip

_keywords, _itunes_keywords = _words_for(None), _words_for(ITUNES)
_origlink, _pheedo = _text_of("feedburner_origlink"), _text_of("pheedo_origlink")
# To feedparser they are something else once they have attributes.
BARE = frozenset({_keywords, _itunes_keywords, _origlink, _pheedo})
_published, _updated, _created = map(_text_of, ("published", "updated", "created"))
# By the name that feedparser calls its methods by.
RULES: dict[str, Rule] = {
    "title": Draft.title, "dc_title": Draft.title, "media_title": Draft.media_title,
    "description": Draft.description, "dc_description": Draft.description,
    "summary": Draft.summary, "itunes_summary": Draft.summary,
    "content": Draft.content, "content_encoded": Draft.content_encoded,
    "author": Draft.author, "dc_author": Draft.author, "dc_creator": Draft.author,
    "itunes_author": Draft.author,
    "category": Draft.category, "dc_subject": Draft.category,
    "media_category": Draft.media_category, "itunes_category": Draft.itunes_category,
    "link": Draft.link, "guid": Draft.guid, "id": Draft.guid, "enclosure": Draft.enclosure,
    "media_content": Draft.media_content, "media_group": Draft.media_group,
    "media_community": Draft.media_group,
    # `rereading` must see that they are elements, and not a part of a text.
    "media_statistics": _figures_of("media_statistics"),
    "media_starrating": _figures_of("media_starrating"),
    "media_thumbnail": Draft.media_thumbnail, "media_description": Draft.media_description,
    "itunes_image": Draft.itunes_image, "source": Draft.no_title, "image": Draft.no_title,
    "published": _published, "pubdate": _published, "issued": _published,
    "dcterms_issued": _published,
    "updated": _updated, "modified": _updated, "dc_date": _updated, "dcterms_modified": _updated,
    "created": _created, "dcterms_created": _created,
    "tags": _keywords, "media_keywords": _keywords, "itunes_keywords": _itunes_keywords,
    "language": _text_of("language"), "dc_language": _text_of("language"),
    "feedburner_origlink": _origlink, "pheedo_origlink": _pheedo,
    # feedparser has methods for these, and nobody reads what they write.
    **dict.fromkeys((
        "cc_license", "copyright", "dc_contributor", "dc_publisher",
        "dc_rights", "expirationdate", "generator", "georss_box", "georss_line", "georss_point",
        "georss_polygon", "info", "itunes_block", "itunes_explicit", "itunes_subtitle",
        "media_credit", "media_license", "media_player", "media_rating", "media_restriction",
        "rights", "subtitle", "tagline", "webmaster",
    ), nothing),
}  # fmt: skip
