"""What does it take to tell? The parts of our hub, put together."""

from msgspec import Struct
from msgspec.structs import replace

from aggregator.outputs.hub import own_hub
from aggregator.service.clock import Clock
from aggregator.service.hub.courier import Courier
from aggregator.service.hub.reception import Reception
from aggregator.service.keeper import Keeper
from aggregator.settings import Settings
from aggregator.sources.fetch import Fetcher
from aggregator.sources.guard import reach_of
from aggregator.sources.manners import Manners
from aggregator.sources.policy import FetchPolicy
from aggregator.sources.websub.asking import Chance
from aggregator.web.served import Shelf

SECONDS = 10.0  # for one call at a callback
ANSWER = 4_096  # bytes of a callback's answer


class Hub(Struct, frozen=True, kw_only=True):
    """Who tells, and who takes requests to be told (None without a hub of our own)."""

    courier: Courier
    reception: Reception | None


def call_policy(policy: FetchPolicy, settings: Settings) -> FetchPolicy:
    """Return within which limits callbacks are called: their own reach, and no patience."""
    asked = settings.service.hub
    return replace(
        policy,
        total_seconds=SECONDS,
        connect_seconds=SECONDS,
        body_bytes=ANSWER,
        raw_bytes=ANSWER,
        allow_private=asked.allow_private,
        allow_ports=asked.allow_ports,
    )


def assembled(
    settings: Settings,
    *,
    keeper: Keeper,
    shelf: Shelf,
    fetcher: Fetcher,
    manners: Manners,
    policy: FetchPolicy,
    clock: Clock,
    exact: Clock,
    chance: Chance,
) -> Hub | None:
    """Put the parts together as ops set them; None when nobody is to be told of anything."""
    site, asked = settings.site, settings.service.hub
    if not site.hubs:
        return None
    courier = Courier(
        keeper=keeper,
        shelf=shelf,
        site=site,
        caller=Fetcher(call_policy(policy, settings), clock=exact),
        fetcher=fetcher,
        manners=manners,
        clock=clock,
        chance=chance,
    )
    reception = Reception(
        keeper=keeper,
        shelf=shelf,
        site=site,
        reach=reach_of(asked.allow_private, asked.allow_ports),
        most=asked.subscribers,
        clock=clock,
        wake=courier.wake,
    )
    return Hub(courier=courier, reception=reception if own_hub(site) in site.hubs else None)
