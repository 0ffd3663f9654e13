"""What do ops see?"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.outputs.pages.printing import STYLE_PATH, bare, print_page

SCRIPT_PATH, SHEET_PATH = "status.js", "status.css"
"""Where the script that sorts the tables, and the page's own style, are served."""

_HERE = files(__package__)


class FeedRow(Struct, frozen=True, kw_only=True):
    """One feed, in words. ``last`` and ``next`` are times (ISO 8601) with their words.

    ``hours`` (24, GMT) is its rhythm, ``actions`` what may be done about it.
    """

    id: str
    title: str
    url: str
    state: str
    grave: bool
    since: str = ""
    because: str = ""
    last: tuple[str, str] = ("", "")
    next: tuple[str, str] = ("", "")
    rule: str = ""
    polite: int | None = None
    faults: tuple[str, ...] = ()
    per_day: float = 0.0
    copies: int = 0
    hours: tuple[float, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def bars(self) -> tuple[tuple[int, int], ...]:
        """Where each hour's bar stands, and how high it is, of 20."""
        most = max(self.hours, default=0.0)
        return tuple((4 * n, round(20 * hour / most)) for n, hour in enumerate(self.hours) if most)


class ReaderRow(Struct, frozen=True, kw_only=True):
    """One program that reads one feed."""

    feed: str
    program: str
    asked: int
    unchanged: int
    subscribers: int


class StatusTold(Struct, frozen=True, kw_only=True):
    """Everything on the page. ``ailments`` are what is not well, ``slips`` mistakes of an edit."""

    at: str
    version: str
    ok: bool
    ailments: tuple[str, ...]
    notes: tuple[str, ...]
    slips: tuple[str, ...]
    said: str
    counts: tuple[tuple[str, int], ...]
    figures: tuple[tuple[str, str], ...]
    feeds: tuple[FeedRow, ...]
    readers: tuple[ReaderRow, ...]
    settings: tuple[tuple[str, str], ...]


def status(site: Site, told: StatusTold, *, root: str) -> bytes:
    """Print the page. All that it needs stands below ``root``, which ends in a slash."""
    plain = bare(site, f"{site.base_url}/status")
    style = f"{root}{STYLE_PATH}?{plain.style.partition('?')[2]}"
    paper = replace(plain, root=root, style=style)
    return print_page("status.html", paper, told=told, words=_ACTIONS)


@cache
def furniture(path: str) -> bytes:
    """Return what the page needs at ``path``; it can be read without."""
    return (_HERE / "static" / path).read_bytes()


def figures(pairs: Sequence[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return figures as they are shown."""
    return tuple(
        (name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in pairs
    )


_ACTIONS = {
    "poll": "Poll now",
    "pause": "Pause",
    "resume": "Resume",
    "accept": "Accept the move",
}
