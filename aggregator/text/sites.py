"""Which parts of an address choose the article, site by site?"""

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from aggregator.text.tracking import TRACKING, is_tracking

# Hosts that only show the same page to another device.
DEVICES = ("www.", "m.", "mobile.", "amp.", "wap.")


class SiteRules(Struct, frozen=True, kw_only=True):
    """What holds for addresses of one host and all below it.

    Where an address has every parameter of ``identity``, they alone choose the article, and
    neither path nor other parameters do. ``tracking`` are rules as in `TRACKING` beside the
    general ones; what is named in ``keep`` chooses the article here, whatever those say.
    ``host`` is another host with the same pages, under which its addresses are compared.
    """

    identity: tuple[str, ...] = ()
    tracking: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    host: str | None = None


class AddressRules(Struct, frozen=True, kw_only=True):
    """When two addresses mean one article: ``tracking`` everywhere, ``devices`` before any host.

    ``sites`` are pairs of a host and its rules; the longest host that fits holds.
    """

    tracking: frozenset[str] = TRACKING
    devices: tuple[str, ...] = DEVICES
    sites: tuple[tuple[str, SiteRules], ...] = ()

    def chosen(self, host: str, pairs: Iterable[str]) -> list[str]:
        """Return those of a query's ``pairs`` (``name=value``, escaped) that choose the article."""
        site = rules_of(host, self)
        return [
            pair
            for pair in pairs
            if is_tracking(pair, site.keep)
            or not (is_tracking(pair, self.tracking) or is_tracking(pair, site.tracking))
        ]


NO_RULES = SiteRules()
USUAL_ADDRESSES = AddressRules(
    sites=(
        ("bbc.co.uk", SiteRules(host="bbc.com")),
        ("edition.cnn.com", SiteRules(host="cnn.com")),
        ("eu.usatoday.com", SiteRules(host="usatoday.com")),
        # One article appears in several sections, each with its own path and c_id.
        ("nzherald.co.nz", SiteRules(identity=("objectid",))),
        ("us.cnn.com", SiteRules(host="cnn.com")),
    )
)


@lru_cache(maxsize=4096)
def rules_of(host: str, rules: AddressRules) -> SiteRules:
    """Return what holds at ``host``, in lower case and without device form."""
    fitting = [
        (len(name), site) for name, site in rules.sites if host == name or host.endswith(f".{name}")
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else NO_RULES
