"""Who is told of our outputs, and what is still to be said to whom (WebSub, as a hub)."""

from datetime import datetime
from enum import StrEnum

from aggregator.model.discreet import Discreet


class Follower(Discreet, frozen=True, kw_only=True):
    """A subscriber of our hub, under a lease until ``expires``.

    ``path`` is the document that is brought to ``callback`` (``feeds/latest.atom``); ``secret``
    ('' for none) signs it. ``since`` is when it was first agreed.
    """

    hidden = frozenset({"callback", "secret"})

    path: str
    callback: str
    secret: str
    since: datetime
    expires: datetime


class Task(StrEnum):
    """What is to be done with somebody out there."""

    CONFIRM = "confirm"
    BRING = "bring"
    DENY = "deny"
    PING = "ping"


class Errand(Discreet, frozen=True, kw_only=True):
    """Something to be said about the document at ``path`` to ``address``, from ``due`` on.

    ``address`` is a callback, or an outside hub for a ping. ``what`` tells an errand from a later
    one of the same task, path and address: the document's entity tag for what is brought and
    pinged, the wish (JSON) to be confirmed, the reason of a denial. ``since`` is when it came up,
    ``tries`` how often it failed.
    """

    hidden = frozenset({"address", "what"})

    task: Task
    path: str
    address: str
    what: str
    due: datetime
    since: datetime
    tries: int = 0

    @property
    def key(self) -> tuple[Task, str, str]:
        """There is one errand of a task, a path and an address."""
        return self.task, self.path, self.address
