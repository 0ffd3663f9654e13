"""What is remembered of what was published?"""

from datetime import date, datetime

from msgspec import Struct


class Stay(Struct, frozen=True, kw_only=True):
    """A story's stay in a Top output.

    Subscribers saw it first at ``entered``. ``milestone`` is the number of independent owners it
    was last announced with, ``updated`` when. ``face`` is the id of the item whose headline
    stands for it since then, ``owner`` whose that is. ``entry`` is the id that subscribers know it
    by: the story's, or that of a story that merged into it while it stood. ``place`` is its place
    in the list, from 0. ``left`` is set once it has gone, and it never comes back.
    """

    output: str
    story: str
    entered: datetime
    updated: datetime
    milestone: int
    face: str
    entry: str
    owner: str = ""
    place: int = 0
    left: datetime | None = None


class Issue(Struct, frozen=True, kw_only=True):
    """An issue as it was made at ``made`` for ``day``; ``id`` is permanent.

    ``mark`` is the place of the item that was filed last before it was made.
    """

    output: str
    day: date
    id: str
    made: datetime
    title: str
    summary: str
    content_html: str
    image: str | None = None
    mark: int = 0


class ArchivePage(Struct, frozen=True, kw_only=True):
    """What is known of a page: when it was ``made``, and of which entries.

    ``number`` counts from 1.
    """

    output: str
    number: int
    made: datetime
    ids: tuple[str, ...]
