"""What does somebody with a browser see?

Pure: editions in, bytes out, no clock; equal input gives equal bytes. The pages need no script,
and text from feeds is only ever inserted escaped.

Links within the site begin at the root and carry the path of the base address, so that they hold
behind a path prefix and also when the site is reached under another host name. Only the canonical
address is absolute.
"""

from aggregator.outputs.pages.layout import Section
from aggregator.outputs.pages.press import (
    MEDIA_TYPE,
    front,
    gone,
    issue,
    not_allowed,
    not_found,
    search,
    story,
    subscribe,
    topic,
)
from aggregator.outputs.pages.printing import (
    FAVICON,
    FAVICON_PATH,
    STYLE_PATH,
    feed_stylesheet,
    stylesheet,
)
from aggregator.outputs.pages.stories import Neighbour, Report, StoryTold

__all__ = [
    "FAVICON",
    "FAVICON_PATH",
    "MEDIA_TYPE",
    "STYLE_PATH",
    "Neighbour",
    "Report",
    "Section",
    "StoryTold",
    "feed_stylesheet",
    "front",
    "gone",
    "issue",
    "not_allowed",
    "not_found",
    "search",
    "story",
    "stylesheet",
    "subscribe",
    "topic",
]
