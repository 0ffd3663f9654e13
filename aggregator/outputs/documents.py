"""Which bytes is an edition, in each format?"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from aggregator.model.editions import Edition, Format, Site
from aggregator.outputs import atom, jsonfeed, rss
from aggregator.outputs.addresses import MEDIA_TYPES, path, stylesheet_path
from aggregator.outputs.archives import CURRENT, Leaf
from aggregator.outputs.articles import Printed

__all__ = ["MEDIA_TYPES", "etag_of", "path", "render"]

_PRESSES: Mapping[Format, Callable[[Edition, Site, Leaf], Printed]] = MappingProxyType(
    {Format.ATOM: atom.render, Format.RSS: rss.render, Format.JSON: jsonfeed.render}
)


def render(edition: Edition, form: Format, site: Site, leaf: Leaf = CURRENT) -> Printed:
    """Print ``edition`` in the format ``form``; equal input gives equal bytes.

    ``leaf`` says which document of the output it is. Entries that cannot be printed are left out
    and named in the result. Raises ValueError when the edition's own date has no zone.
    """
    printed = _PRESSES[form](edition, site, leaf)
    return printed if form is Format.JSON else replace(printed, body=_dressed(printed.body, site))


def _dressed(document: bytes, site: Site) -> bytes:
    """Say which style sheet browsers should show an XML document with (xml-stylesheet, W3C 2010).

    Its address never changes, or every reader would be sent every feed anew with it.
    """
    head, declared, rest = document.partition(b"?>\n")
    sheet = f'<?xml-stylesheet type="text/css" href="{stylesheet_path(site)}"?>\n'
    return head + declared + sheet.encode("ascii") + rest


def etag_of(body: bytes) -> str:
    """Return a strong validator, with its quotes, that follows from the bytes alone.

    RFC 9110 section 8.8.3.
    """
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
