"""What did ops allow that is refused by itself?"""

from collections.abc import Iterator

from aggregator.model.feeds import Feed, Tls
from aggregator.settings.loading import Settings
from aggregator.settings.service import USUAL_PORTS, Hub, Reach


def waivers(settings: Settings) -> tuple[str, ...]:
    """Return in one line each, fit for a log, which guards the settings let down."""
    service = settings.service
    return (*_reach(service.reach), *_called(service.hub), *_unverified(settings.feeds))


def waived(tls: Tls) -> str | None:
    """Say what these options give up, None when nothing."""
    return None if tls.verify else "certificate not verified"


def _reach(reach: Reach) -> Iterator[str]:
    if reach.allow_private:
        networks = ", ".join(reach.allow_private)
        yield f"addresses that are not public are asked: {networks} (reach: allow_private)"
    ports = sorted({*reach.allow_ports} - {*USUAL_PORTS})
    if ports:
        yield f"unusual ports are asked: {', '.join(map(str, ports))} (reach: allow_ports)"


def _called(hub: Hub) -> Iterator[str]:
    if hub.allow_private:
        networks = ", ".join(hub.allow_private)
        yield f"callbacks may be at addresses that are not public: {networks} (hub: allow_private)"


def _unverified(feeds: tuple[Feed, ...]) -> Iterator[str]:
    for feed in feeds:
        if feed.enabled and (what := waived(feed.tls)):
            yield f"{feed.id}: {what} (tls: verify: false)"
