"""What does a piece of markup say, and what of it may be shown?"""

import html as entities
import re
from functools import lru_cache
from math import ceil

import nh3

from aggregator.text.patterns import late
from aggregator.text.urls import absolute
from aggregator.text.xml import one_line, xml_safe

MAX_HTML = 262_144  # characters of one entry; the longest real one measured has 190,000
MAX_DEPTH = 500  # open elements; html5 tree building is quadratic in depth: 50,000 take 7 s
WORDS_PER_MINUTE = 230
CHARACTERS_PER_MINUTE = 450  # Chinese and Japanese, which have no spaces to count words by

_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup",
    "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "var", "wbr",
})  # fmt: skip
# No `cite`: nh3 does not look at the scheme of it, and nobody follows it.
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "abbr": {"title"},
    "time": {"datetime"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# Elements whose inside is no text for readers either. The raw-text ones (iframe, noembed, xmp …)
# would otherwise come out as visible markup.
_DROPPED = frozenset({
    "script", "style", "iframe", "noembed", "noframes", "noscript", "object", "embed",
    "applet", "svg", "math", "template", "textarea", "select", "button", "title", "head",
    "canvas", "audio", "video", "xmp", "plaintext", "frameset",
})  # fmt: skip
_BREAKING = frozenset({
    "p", "div", "br", "li", "dd", "dt", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6",
    "blockquote", "pre", "hr", "ul", "ol", "figure", "figcaption", "caption", "section",
    "article", "header", "footer", "aside", "summary",
})  # fmt: skip
_SPACING = frozenset({"td", "th"})
_AS_SPACE = {**dict.fromkeys(_SPACING, " "), **dict.fromkeys(_BREAKING, "\n")}
_SHOWN_OR_BREAKING = _TAGS | _BREAKING

_OPENING = late(r"<(?!(?:br|img|hr|wbr|input|meta|link|p|li|col|source)\b)[a-zA-Z]", re.IGNORECASE)
_ANY_TAG = late(r"<[^<>]*>?")
_CLEAN_TAG = late(r"</?([a-z][a-z0-9]*)[^<>]*>")
# The same of one with attributes, in which alone ">" may stand within quotes.
_ANY_CLEAN_TAG = late(r'</?([a-z][a-z0-9]*+)(?:[^<>"]++|"[^"]*+")*+>')
_SECTION = late(r"<(?:section|article|header|footer|aside)\b")
# A line break that is one, unlike any that is written as such.
_BREAK_BY_NUMBER = late(r"&(?:#0*+1[03](?![0-9])|#[xX]0*+[aAdD](?![0-9a-fA-F])|NewLine;)")
_VOID_END = late(r"</(?:img|hr|input|col|wbr|source|area|embed|meta|link)\s*>", re.IGNORECASE)
_BR_PAIR = late(r"<br\s*></br\s*>", re.IGNORECASE)
_IMAGE = late(r"<img\b([^>]{0,4096})>", re.IGNORECASE)
_CLEAN_IMAGE = late(r"<img\b([^>]{0,4096})>")
_ATTRIBUTE = late(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ORNAMENT = late(
    r"feedburner\.com/~|feedsportal\.com|/b\.gif\?|stats\.wordpress\.com|pixel\.wp\.com"
    r"|doubleclick\.net|/pixel|[./]spacer\.gif|/blank\.gif|rss-pixel|/1x1|google-analytics"
    r"|scorecardresearch|/emoji/|/smilies/|gravatar\.com|/avatar|addtoany\.com|/share_save",
    re.IGNORECASE,
)
_MAYBE_MARKUP = late(r"[<&]")
_LEFT_OVER = late(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[a-zA-Z]{2,8});")
_UNSPACED = late(r"[぀-ヿ㐀-䶿一-鿿]")


def sanitise(html: str, base: str) -> str:
    """Return ``html`` as markup that is safe to publish: our allow-list, nothing else.

    No script, style, frame, form, plug-in, svg or math, no event handler, no style attribute;
    links and images absolute http or https, resolved against ``base``; one-pixel and counting
    images removed; characters that XML forbids removed. Cut at 262,144 characters. Idempotent.
    """
    if not html:
        return ""
    if not _MAYBE_MARKUP.search(html):
        return xml_safe(html[:MAX_HTML]).strip()
    return _shown(_clean(_cleaner(base), _tamed(html)))


def to_text(html: str) -> str:
    """Return what ``html`` says, as plain text.

    Block elements give line breaks (never two in a row), entities are decoded, other white space
    is folded to single spaces.
    """
    if _MAYBE_MARKUP.search(html):
        html = _spaced(_CLEAN_TAG, _clean(_TEXT_CLEANER, _tamed(html.replace("\n", " "))))
        html = entities.unescape(html)
    return _folded(html)


def read_once(html: str, base: str) -> tuple[str, str]:
    """Return what `to_text` and `sanitise` return, at little more than the cost of one of them."""
    if not _MAYBE_MARKUP.search(html) or "\r" in html or _BREAK_BY_NUMBER.search(html):
        return to_text(html), sanitise(html, base)
    cleaned = _clean(_cleaner(base, _SHOWN_OR_BREAKING), _tamed(html))
    text = entities.unescape(_spaced(_ANY_CLEAN_TAG, cleaned.replace("\n", " ")))
    if _SECTION.search(cleaned):
        # Whole tags from the start on, as "<section" may stand in an attribute.
        cleaned = _ANY_CLEAN_TAG.sub(_but_sections, cleaned)
    return _folded(text), _shown(cleaned)


def plain_title(raw: str, *, is_html: bool) -> str:
    """Return a title as one line of plain text.

    Markup is taken out only when ``is_html``: "if a < b" is a title too. Character references are
    decoded once more than asked: publishers escape twice, and nobody prints ``&#8217;``.
    """
    text = to_text(raw) if is_html else raw
    return one_line(_LEFT_OVER.sub(lambda found: entities.unescape(found[0]), text))


def from_text(text: str) -> str:
    """Return plain ``text`` as markup: escaped, blank lines as paragraphs, breaks as ``<br>``."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", xml_safe(text)) if part.strip()]
    escaped = [entities.escape(part, quote=False).replace("\n", "<br>") for part in paragraphs]
    if len(escaped) < 2:
        return "".join(escaped)
    return "".join(f"<p>{part}</p>" for part in escaped)


def first_image(html: str, base: str) -> str | None:
    """Return the absolute address of the first picture worth showing: no pixel, no smiley."""
    for found in _IMAGE.finditer(html[:MAX_HTML]):
        attributes = _attributes(found[1])
        if not _is_counter(attributes):
            address = absolute(attributes.get("src", ""), base)
            if address:
                return address
    return None


def is_ornament(address: str) -> bool:
    """Whether a picture's address is that of a counter, a smiley, an avatar or a button."""
    return _ORNAMENT.search(address) is not None


def reading_minutes(text: str) -> int:
    """Return how many whole minutes ``text`` takes to read, at least 1; 0 for no text."""
    unspaced = len(_UNSPACED.findall(text))
    words = len(_UNSPACED.sub(" ", text).split()) if unspaced else len(text.split())
    return ceil(words / WORDS_PER_MINUTE + unspaced / CHARACTERS_PER_MINUTE)


def _tamed(html: str) -> str:
    """Mend what would cost or mislead the tree builder: length, depth, XHTML's ``<br></br>``."""
    html = _BR_PAIR.sub("<br>", _VOID_END.sub("", html[:MAX_HTML]))
    many = html.count("<") > MAX_DEPTH
    if many and len(_OPENING.findall(html)) - html.count("</") > MAX_DEPTH:
        return _ANY_TAG.sub(" ", html)
    return html


def _clean(cleaner: nh3.Cleaner, html: str) -> str:
    # nh3 takes UTF-8 only: lone surrogates go first.
    return cleaner.clean(xml_safe(html))


def _folded(text: str) -> str:
    return "\n".join(filter(None, map(_folded_line, text.split("\n"))))


def _folded_line(line: str) -> str:
    # Of white space only the space is printable, and what XML forbids is not.
    if line.isprintable() and "  " not in line:
        return line.strip(" ")
    return " ".join(xml_safe(line).split())


@lru_cache(maxsize=128)
def _cleaner(base: str, tags: frozenset[str] = _TAGS) -> nh3.Cleaner:
    try:
        return _make_cleaner(base, tags)
    except ValueError:  # a base that is no address: relative links lead nowhere
        return _make_cleaner(None, tags)


def _make_cleaner(base: str | None, tags: frozenset[str]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=tags,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        url_relative=("rewrite_with_base", base) if base else "deny",
        link_rel="noopener noreferrer nofollow",
    )


_TEXT_CLEANER = nh3.Cleaner(tags=_BREAKING | _SPACING, clean_content_tags=_DROPPED, attributes={})


def _spaced(tag: re.Pattern[str], html: str) -> str:
    """Return ``html`` with the space in place of each ``tag``, whose name is its one group."""
    parts = tag.split(html)  # text, name, text, name and so on
    parts[1::2] = [_AS_SPACE.get(name, "") for name in parts[1::2]]
    return "".join(parts)


def _but_sections(tag: re.Match[str]) -> str:
    return tag[0] if tag[1] in _TAGS else ""


def _shown(cleaned: str) -> str:
    return _CLEAN_IMAGE.sub(_without_counters, cleaned).strip()


def _without_counters(image: re.Match[str]) -> str:
    attributes = _attributes(image[1])
    return "" if "src" not in attributes or _is_counter(attributes) else image[0]


def _attributes(inside: str) -> dict[str, str]:
    return {
        name.lower(): entities.unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(inside)
    }


def _is_counter(attributes: dict[str, str]) -> bool:
    sizes = (attributes.get("width", ""), attributes.get("height", ""))
    if any(size in ("0", "1", "0px", "1px") for size in sizes):
        return True
    return is_ornament(attributes.get("src", ""))
