"""Which items are never to be folded, whatever they say?"""

from urllib.parse import urlsplit

from msgspec import Struct


class Party(Struct, frozen=True, kw_only=True):
    """An item as ops can name it: by id, by address (canonical), by feed."""

    id: str
    feed: str
    canonical: str | None

    @property
    def names(self) -> frozenset[str]:
        """What a pair may call it."""
        return frozenset(filter(None, (self.id, self.canonical)))


class NeverFold(Struct, frozen=True, kw_only=True):
    """What ops forbade.

    Items of ``feeds`` (ids) and at ``sites`` (hosts, and all below them) stand for themselves, and
    nothing is folded under them; nor are the two of one of the ``pairs``, each named by its id or
    its canonical address, under one another. A pair of one name keeps apart all that bear it.
    """

    feeds: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    pairs: frozenset[frozenset[str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.feeds or self.sites or self.pairs)

    def parts(self, one: Party, other: Party) -> str | None:
        """Tell by which rule the two must stand apart; None when none says so."""
        if not self:
            return None
        return self.frees(one) or self.frees(other) or self._pair(one, other)

    def frees(self, one: Party) -> str | None:
        """Tell by which rule an item always stands for itself; None when none says so."""
        if one.feed in self.feeds:
            return f"feed {one.feed}"
        if not self.sites or not one.canonical:
            return None
        host = urlsplit(one.canonical).hostname or ""
        site = next((s for s in sorted(self.sites) if host == s or host.endswith(f".{s}")), None)
        return f"site {site}" if site else None

    def _pair(self, one: Party, other: Party) -> str | None:
        for pair in self.pairs:
            if pair & one.names and pair & other.names:
                return f"pair {' and '.join(sorted(pair))}"
        return None


NOTHING_APART = NeverFold()
