"""Is this HTML whole, safe, and free of relative addresses?"""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

from tests.outputs.validator import values
from tests.outputs.validator.findings import Findings, words

# Elements that run, embed, or change what is around them.
_RISKY = words(
    "script style iframe frame frameset object embed applet form input button select textarea "
    "base basefont meta link svg math title html head body template noscript xmp plaintext audio "
    "video source track portal canvas dialog marquee bgsound isindex keygen listing "
    "noembed noframes"
)
_KNOWN = words(
    "a abbr b blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span "
    "strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr details"
)
_VOID = words("br col hr img wbr")
_ADDRESSES = words("href src cite srcset poster action background longdesc data")
_ATTRIBUTES = words(
    "href src alt title width height lang dir rel datetime start reversed colspan rowspan"
)
_SAFE = frozenset(("http", "https"))


def html(text: str, to: Findings) -> None:
    """A fragment of HTML for a reader that may be careless."""
    values.characters(text, to)
    reader = _Reader(to)
    reader.feed(text)
    reader.close()
    if reader.open:
        to.error(f"<{reader.open[-1]}> is not closed")


class _Reader(HTMLParser):
    def __init__(self, to: Findings) -> None:
        super().__init__(convert_charrefs=True)
        self.to = to
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _RISKY:
            self.to.error(f"<{tag}> is a risk")
        elif tag not in _KNOWN:
            self.to.warning(f"<{tag}> is no element that readers know")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.to.error(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.to.warning(f"a comment: {data[:40]!r}")

    def handle_decl(self, decl: str) -> None:
        self.to.error(f"a declaration: {decl[:40]!r}")

    def handle_pi(self, data: str) -> None:
        self.to.error(f"a processing instruction: {data[:40]!r}")

    def unknown_decl(self, data: str) -> None:
        self.to.error(f"a section: {data[:40]!r}")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name == "style" or name not in _ATTRIBUTES:
            self.to.error(f"<{tag} {name}> is a risk")
        if name in _ADDRESSES:
            self._address(tag, name, re.sub(r"[\x00-\x20]", "", value))

    def _address(self, tag: str, name: str, value: str) -> None:
        try:
            scheme = urlsplit(value).scheme.lower()
        except ValueError:
            self.to.error(f"<{tag} {name}={value[:80]!r}> is no address")
            return
        if not scheme:
            self.to.warning(f"<{tag} {name}={value[:80]!r}> is relative")
        elif scheme not in _SAFE:
            self.to.error(f"<{tag} {name}={value[:80]!r}> is a risk")
