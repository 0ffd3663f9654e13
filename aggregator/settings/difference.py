"""What changed between two settings?"""

from msgspec import Struct

from aggregator.model.feeds import Feed
from aggregator.settings.group import Group
from aggregator.settings.loading import Settings


class Difference(Struct, frozen=True, kw_only=True):
    """What a reload has to act on.

    Feeds are told apart by id; ``changed`` pairs old and new. ``sections`` names what else is not
    as before: ``topics``, ``outputs``, ``site``, ``ranking``, ``addresses``, ``never_fold`` or a
    group of the service, such as ``service.limits``.
    """

    added: tuple[Feed, ...] = ()
    removed: tuple[Feed, ...] = ()
    changed: tuple[tuple[Feed, Feed], ...] = ()
    sections: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.sections)


def diff(old: Settings, new: Settings) -> Difference:
    """Return what a change from ``old`` to ``new`` means; false when it means nothing."""
    before = {feed.id: feed for feed in old.feeds}
    after = {feed.id: feed for feed in new.feeds}
    return Difference(
        added=tuple(feed for feed in new.feeds if feed.id not in before),
        removed=tuple(feed for feed in old.feeds if feed.id not in after),
        changed=tuple(
            (before[feed.id], feed)
            for feed in new.feeds
            if feed.id in before and before[feed.id] != feed
        ),
        sections=(*_unequal("service.", old.service, new.service), *_sections(old, new)),
    )


def _sections(old: Settings, new: Settings) -> tuple[str, ...]:
    names = ("topics", "outputs", "site", "ranking", "addresses", "never_fold")
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))


def _unequal(prefix: str, old: Group, new: Group) -> tuple[str, ...]:
    return tuple(
        f"{prefix}{name}"
        for name in type(old).model_fields
        if getattr(old, name) != getattr(new, name)
    )
