"""Who wants to be told of our feeds?

Answers `aggregator.web.hub`. A request is taken when there is room for it; whether it was meant is
asked afterwards, at the callback itself (`aggregator.service.hub.courier`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog

from aggregator.model.editions import Site
from aggregator.model.following import Task
from aggregator.model.visits import Refused
from aggregator.outputs.hub import Refusal, Wish, has_room, host_of, wish_of
from aggregator.service.clock import Clock
from aggregator.service.hub.allowances import Allowances
from aggregator.service.keeper import Keeper
from aggregator.sources.guard import Reach, verdict
from aggregator.web.served import Shelf

MOST_PENDING = 100  # requests that wait to be confirmed: each is a call that we make

_FULL = Refusal(status=503, text="there is no room for more subscriptions here")
_TOO_FAST = Refusal(status=429, text="not so fast")

log = structlog.get_logger()


class Reception:
    """Takes requests for our hub; ``wake`` is called when one is to be confirmed.

    ``most`` subscriptions may stand at once; ``reach`` is where callbacks may be.
    """

    def __init__(
        self,
        *,
        keeper: Keeper,
        shelf: Shelf,
        site: Site,
        reach: Reach,
        most: int,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._shelf = shelf
        self._site = site
        self._reach = reach
        self._most = most
        self._clock = clock
        self._wake = wake
        self._allowances = Allowances()  # of peers and hosts: else anybody could have us flood one

    async def hear(self, form: Mapping[str, str], peer: str) -> tuple[int, str]:
        """Take what ``peer`` asks for; return the status and the words to answer with."""
        now = self._clock()
        refusal = await self._weigh(form, peer, now)
        if refusal is None:
            self._wake()
            return 202, "you will be asked whether you meant it"
        return refusal.status, refusal.text

    async def _weigh(self, form: Mapping[str, str], peer: str, now: datetime) -> Refusal | None:
        if not self._allowances.spend(("peer", peer), now):
            return _TOO_FAST
        wish = wish_of(form, self._site, lambda path: self._shelf.get(path) is not None)
        if isinstance(wish, Refusal):
            return wish
        if _is_out_of_reach(wish.callback, self._reach):
            return Refusal(status=403, text="hub.callback is not at a public address")
        if not self._allowances.spend(("host", host_of(wish.callback)), now):
            return _TOO_FAST
        if not await self._keeper.run(self._admit, wish, now):
            log.warning("hub full", host=host_of(wish.callback), path=wish.path)
            return _FULL
        return None

    def _admit(self, wish: Wish, now: datetime) -> bool:
        followers = self._keeper.store.followers
        with self._keeper.store.transaction():
            pending = followers.waiting(Task.CONFIRM)
            if pending >= MOST_PENDING or not has_room(
                followers.all(), wish, most=self._most, pending=pending, now=now
            ):
                return False
            followers.ask([wish.errand(now)])
        return True


def _is_out_of_reach(callback: str, reach: Reach) -> bool:
    """Whether a callback names a number that is not to be called; names are looked up later."""
    parts = urlsplit(callback)
    try:
        address = str(ip_address(parts.hostname or ""))
    except ValueError:
        return False
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    return isinstance(verdict(address, port, reach), Refused)
