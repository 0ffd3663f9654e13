"""What is wrong with a document that is served?"""

from datetime import datetime

from tests.outputs.validator import atom, jsonfeed, opml, rss
from tests.outputs.validator.findings import Finding, Findings


def validate(body: bytes, media_type: str, *, location: str, now: datetime) -> tuple[Finding, ...]:
    """Return all faults of ``body``, got from ``location`` at ``now``."""
    to = Findings()
    kind = media_type.partition(";")[0].strip()
    if kind == "application/atom+xml":
        atom.feed(body, location, now, to)
    elif kind == "application/rss+xml":
        rss.feed(body, location, now, to)
    elif kind == "application/feed+json":
        jsonfeed.feed(body, location, now, to)
    elif kind == "text/x-opml":
        opml.document(body, now, to)
    else:
        to.error(f"{media_type} is the type of no feed")
    return tuple(to)
