"""Which bytes is an edition, in each format?"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from aggregator.model.editions import Edition, Format, Site
from aggregator.outputs import atom, jsonfeed, rss
from aggregator.outputs.addresses import MEDIA_TYPES, path
from aggregator.outputs.articles import Printed

__all__ = ["MEDIA_TYPES", "etag_of", "path", "render"]

_PRESSES: Mapping[Format, Callable[[Edition, Site], Printed]] = MappingProxyType(
    {Format.ATOM: atom.render, Format.RSS: rss.render, Format.JSON: jsonfeed.render}
)


def render(edition: Edition, form: Format, site: Site) -> Printed:
    """Print ``edition`` in the format ``form``; equal input gives equal bytes.

    Entries that cannot be printed are left out and named in the result. Raises ValueError when
    the edition's own date has no zone.
    """
    return _PRESSES[form](edition, site)


def etag_of(body: bytes) -> str:
    """Return a strong validator, with its quotes, that follows from the bytes alone.

    RFC 9110 section 8.8.3.
    """
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
