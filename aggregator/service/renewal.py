"""What has to be built anew when the settings are others?"""

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.feeds import Feed
from aggregator.service import building
from aggregator.service.desk import Desk
from aggregator.service.run import Service
from aggregator.settings import Difference, Settings, diff
from aggregator.storage import Store

AT_RESTART = ("listen", "storage", "ops")
"""Groups of the service that hold from the next start only."""

_HUB = frozenset({"site", "service.hub"})

PATIENCE = 6.0  # seconds for visits under way of feeds that will be asked otherwise


class Renewal(Struct, frozen=True, kw_only=True):
    """What a change of settings comes to.

    ``settings`` will hold at once; ``difference`` is what is new in them; ``waiting`` names what
    was asked for and holds from the next start. ``held`` are feeds that are to be asked no more,
    or otherwise: their visits under way have to end first.
    """

    settings: Settings
    difference: Difference
    held: frozenset[str] = frozenset()
    waiting: tuple[str, ...] = ()


def planned(now: Settings, asked: Settings) -> Renewal:
    """Decide what it comes to that ops asked for ``asked`` while ``now`` holds."""
    waiting = [
        name for name in AT_RESTART if getattr(now.service, name) != getattr(asked.service, name)
    ]
    service = asked.service.but(**{name: getattr(now.service, name) for name in AT_RESTART})
    base_url = asked.site.base_url
    if base_url == f"http://localhost:{asked.service.listen.port}":  # as it follows the port
        base_url = f"http://localhost:{now.service.listen.port}"
    site = replace(asked.site, base_url=base_url, installation=now.site.installation)
    settings = replace(asked, service=service, site=site)
    difference = diff(now, settings)
    otherwise = (before.id for before, after in difference.changed if _asks(before) != _asks(after))
    return Renewal(
        settings=settings,
        difference=difference,
        held=frozenset((*(feed.id for feed in difference.removed), *otherwise)),
        waiting=tuple(f"service.{name}" for name in waiting),
    )


async def renew(service: Service, asked: Settings) -> Renewal:
    """Let ``service`` run by ``asked``; after an error it runs by what held before."""
    plan = planned(service.settings, asked)
    if not plan.difference:
        return plan
    await service.rounds.hold(plan.held, PATIENCE)
    try:
        # First, what may fail for reasons of its own: the store is written last.
        folder = building.site_folder(plan.settings) if _has_new_folder(service, plan) else None
        desk = await service.keeper.run(_written, service, plan)
        settings = plan.settings
        service.poller.adopt(
            cadence=building.cadence(settings),
            most=settings.service.limits.new_items,
            addresses=settings.addresses,
        )
        building.readjust(service.tools, settings)
        service.window.adopt(settings, desk, folder)
        service.adopt(settings, desk)
    except BaseException:
        service.rounds.release()
        raise
    if not _HUB.isdisjoint(plan.difference.sections):
        service.take_hub(service.tools.hub_for(settings))
    await service.push.adopt(settings)
    return plan


def _written(service: Service, plan: Renewal) -> Desk:
    """Write what the store has to know, in one transaction; return the desk as it is to be."""
    store: Store = service.keeper.store
    with store.transaction():
        if plan.difference.added or plan.difference.removed or plan.difference.changed:
            store.feeds.configure(plan.settings.feeds, now=service.clock())
        return service.desk.renewed(store, plan.settings, plan.difference.sections)


def _has_new_folder(service: Service, plan: Renewal) -> bool:
    wanted = plan.settings.service.publish.folder
    return wanted is not None and wanted != service.settings.service.publish.folder


def _asks(feed: Feed) -> tuple[object, ...]:
    return feed.url, feed.headers, feed.credentials, feed.tls, feed.enabled
