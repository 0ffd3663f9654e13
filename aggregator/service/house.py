"""How are the parts put together? The one place that builds them, and takes them apart again."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.outputs.addresses import SEARCH
from aggregator.service import clock
from aggregator.service.building import (
    Tools,
    cadence,
    courtesy,
    fetch_policy,
    parse_workers,
    site_folder,
)
from aggregator.service.clock import Clock
from aggregator.service.desk import Desk
from aggregator.service.hub import parts as hub_parts
from aggregator.service.hub.parts import Hub
from aggregator.service.keeper import Keeper
from aggregator.service.poll import Poller
from aggregator.service.push.parts import Push, assembled
from aggregator.service.push.register import Register
from aggregator.service.run import Service
from aggregator.service.searching import Searcher, SearchRoom
from aggregator.service.vitals import Vitals
from aggregator.service.window import Window
from aggregator.settings import Settings
from aggregator.sources.fetch import Fetcher
from aggregator.sources.manners import Manners, Sleep
from aggregator.storage import Store


@asynccontextmanager
async def opened(
    settings: Settings,
    store: Store,
    *,
    now: Clock = clock.now,
    exact: Clock = clock.exact,
    sleep: Sleep = asyncio.sleep,
    leads: bool = True,
    threads: int = 1,
) -> AsyncIterator[Service]:
    """Build the service over ``store``; on leaving, close everything, the store last.

    ``exact`` and ``sleep`` are for pauses between requests. Where another process ``leads`` the
    desk, what its rules unfold is left to that one. ``threads`` work on a store that allows it.
    """
    keeper = Keeper(store, threads=threads)
    workers = parse_workers(settings)
    manners = Manners(courtesy(settings), clock=exact, sleep=sleep)
    try:
        manners.recall(await keeper.run(store.hosts.all))
        fetcher = Fetcher(fetch_policy(settings), clock=exact)
        register = Register(keeper)
        poller = Poller(
            keeper=keeper,
            fetcher=fetcher,
            workers=workers,
            manners=manners,
            cadence=cadence(settings),
            most=settings.service.limits.new_items,
            addresses=settings.addresses,
            clock=now,
        )
        push = assembled(
            settings,
            keeper=keeper,
            register=register,
            fetcher=fetcher,
            manners=manners,
            workers=workers,
            clock=now,
            chance=secrets.token_bytes,
        )

        def hub_for(settings: Settings) -> Hub | None:
            return hub_parts.assembled(
                settings,
                keeper=keeper,
                shelf=service.window.shelf,
                fetcher=fetcher,
                manners=manners,
                policy=fetch_policy(settings),
                clock=now,
                exact=exact,
                chance=secrets.token_bytes,
            )

        tools = Tools(fetcher=fetcher, manners=manners, workers=workers, hub_for=hub_for)
        service = await put_together(
            settings, keeper, poller, push, tools=tools, now=now, leads=leads
        )
        service.take_hub(hub_for(service.settings))
        try:
            yield service
        finally:
            if service.hub is not None:
                await service.hub.courier.close()
            await service.window.search.close()
    finally:
        workers.close()
        await keeper.close()


async def put_together(
    settings: Settings,
    keeper: Keeper,
    poller: Poller,
    push: Push,
    *,
    tools: Tools,
    now: Clock,
    leads: bool = True,
) -> Service:
    """Build the service of what visits feeds and what hears their hubs."""
    settings = replace(settings, site=await keeper.run(settled, settings.site, keeper.store))
    desk = await keeper.run(Desk.over, keeper.store, settings, leads=leads)
    vitals = Vitals(feeds=len(settings.feeds))
    window = Window(
        settings=settings,
        keeper=keeper,
        desk=desk,
        vitals=vitals,
        clock=now,
        search=await keeper.run(search_room, settings, keeper.store, now),
        folder=site_folder(settings),
    )
    return Service(
        settings=settings,
        keeper=keeper,
        poller=poller,
        desk=desk,
        window=window,
        vitals=vitals,
        push=push,
        tools=tools,
        clock=now,
    )


def search_room(settings: Settings, store: Store, now: Clock) -> SearchRoom:
    """Build what answers searches, beside what works on ``store``."""
    return SearchRoom(
        Searcher(
            store.reader,
            site=settings.site,
            topics=settings.topics,
            clock=now,
            born=store.outputs.born(SEARCH, now()),
        )
    )


def settled(site: Site, store: Store) -> Site:
    """Give the site the name of the installation that ``store`` belongs to, once and for all."""
    held = store.notes.get("installation")
    if held is None:
        held = store.notes.first("installation", uuid.uuid4().hex)
    return replace(site, installation=held)
