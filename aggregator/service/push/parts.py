"""What does it take to be told? The parts of pushing, put together."""

from msgspec import Struct

from aggregator.service.clock import Clock
from aggregator.service.keeper import Keeper
from aggregator.service.push.door import Door
from aggregator.service.push.mailroom import Mailroom
from aggregator.service.push.register import Register
from aggregator.service.push.subscriber import Subscriber
from aggregator.service.workers import ParseWorkers
from aggregator.settings import Settings
from aggregator.sources.fetch import Fetcher
from aggregator.sources.inflate import Limits
from aggregator.sources.manners import Manners
from aggregator.sources.websub.asking import Chance, Terms, is_public
from aggregator.web.callback import CALLBACKS


class Push(Struct, frozen=True, kw_only=True):
    """Who asks hubs, who answers them, and who reads what they bring."""

    register: Register
    subscriber: Subscriber
    door: Door
    mailroom: Mailroom

    async def load(self) -> None:
        """Take up what was agreed, and what was left unread, before a restart."""
        await self.subscriber.load()
        self.mailroom.wake()

    async def adopt(self, settings: Settings) -> None:
        """Push as ``settings`` ask from now on."""
        self.door.adopt(allow_sha1=settings.service.push.allow_sha1)
        self.mailroom.adopt(
            settings.feeds,
            limits=body_limits(settings),
            most=settings.service.limits.new_items,
            addresses=settings.addresses,
        )
        self.subscriber.adopt(terms(settings))
        if self.subscriber.is_alone:
            await self.subscriber.load()


def body_limits(settings: Settings) -> Limits:
    """Return what a delivery may hold, as ops set it."""
    most = settings.service.limits.body_bytes
    return Limits(raw_bytes=most, body_bytes=most, ratio=200)


def terms(settings: Settings) -> Terms | None:
    """Return how to subscribe, None when ops do not want it or no hub could reach us."""
    push, base = settings.service.push, settings.site.base_url
    if push.subscribe == "off" or (push.subscribe == "auto" and not is_public(base)):
        return None
    return Terms(
        callbacks=f"{base}/{CALLBACKS}", lease=push.lease, open_secrets=push.secret_over_http
    )


def assembled(
    settings: Settings,
    *,
    keeper: Keeper,
    register: Register,
    fetcher: Fetcher,
    manners: Manners,
    workers: ParseWorkers,
    clock: Clock,
    chance: Chance,
) -> Push:
    """Put the parts together as ops set them."""
    door = Door(
        keeper=keeper,
        register=register,
        allow_sha1=settings.service.push.allow_sha1,
        clock=clock,
    )
    return Push(
        register=register,
        door=door,
        subscriber=Subscriber(
            keeper=keeper,
            register=register,
            fetcher=fetcher,
            manners=manners,
            terms=terms(settings),
            clock=clock,
            chance=chance,
        ),
        mailroom=Mailroom(
            keeper=keeper,
            door=door,
            workers=workers,
            feeds=settings.feeds,
            limits=body_limits(settings),
            most=settings.service.limits.new_items,
            clock=clock,
            addresses=settings.addresses,
        ),
    )
