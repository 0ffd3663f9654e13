"""When do two addresses mean one article? (``config/addresses.yaml``)"""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from aggregator.settings import kinds
from aggregator.settings.documents import Document
from aggregator.settings.group import Group
from aggregator.settings.mistakes import validated
from aggregator.settings.nodes import Fault
from aggregator.text.sites import DEVICES, USUAL_ADDRESSES, AddressRules, SiteRules
from aggregator.text.tracking import TRACKING

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})+"
_RULE = r"[^\s=&#?]+(?:=[^\s&#?]*)?"
_FORM = rf"{_LABEL}\."

Host = Annotated[
    str,
    kinds.matching(_HOST, "is not a host; write it in lower case without www., as in bbc.co.uk"),
    kinds.written(_HOST, "bbc.co.uk"),
]
Rule = Annotated[
    str,
    kinds.matching(_RULE, "is not a parameter; write utm_*, ref or ref=rss*"),
    kinds.written(_RULE, "utm_*", "ref=rss*"),
]
Form = Annotated[
    str,
    kinds.matching(_FORM, 'is not the beginning of a host; write "m." with its dot'),
    kinds.written(_FORM, "m."),
]
Hosts = Annotated[
    tuple[Host, ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "pattern": f"^(?:{_HOST})$"}),
]
Rules = Annotated[
    tuple[Rule, ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "pattern": f"^(?:{_RULE})$"}),
]
Forms = Annotated[
    tuple[Form, ...],
    BeforeValidator(kinds.as_list),
    kinds.one_or_many({"type": "string", "pattern": f"^(?:{_FORM})$"}),
]


class SiteEntry(Group):
    """What holds for addresses of one host and all below it."""

    identity: kinds.Lines = ()
    """Parameters that alone choose the article where all of them are there, whatever the path."""
    tracking: Rules = ()
    """More parameters that tell how a reader came."""
    keep: Rules = ()
    """Parameters that choose the article here, though `tracking` names them."""
    same_as: Host | None = None
    """Another host with the same pages."""

    def rules(self) -> SiteRules:
        """Return them as addresses are compared by."""
        return SiteRules(
            identity=self.identity,
            tracking=frozenset(self.tracking),
            keep=frozenset(self.keep),
            host=self.same_as,
        )


def _entry(rules: SiteRules) -> SiteEntry:
    return SiteEntry(
        identity=rules.identity,
        tracking=tuple(rules.tracking),
        keep=tuple(rules.keep),
        same_as=rules.host,
    )


def _usual_sites() -> dict[str, SiteEntry]:
    return {host: _entry(rules) for host, rules in USUAL_ADDRESSES.sites}


class AddressesFile(Group):
    """What ``addresses.yaml`` holds: every key is optional."""

    tracking: Rules = tuple(sorted(TRACKING))
    """Parameters that tell how a reader came: name, name* or name=value*."""
    devices: Forms = DEVICES
    """Beginnings of hosts that show the same page to another device."""
    sites: dict[Host, SiteEntry] = Field(
        default_factory=_usual_sites, examples=[{"nzherald.co.nz": {}}]
    )
    """Hosts with rules of their own."""

    @model_validator(mode="after")
    def _in_one_step(self) -> "AddressesFile":
        for host, site in self.sites.items():
            if site.same_as and self.sites.get(site.same_as, SiteEntry()).same_as:
                raise ValueError(
                    f'sites: same_as of "{host}" names a host with a same_as of its own;'
                    " write that one"
                )
        return self

    def rules(self) -> AddressRules:
        """Return them as addresses are compared by."""
        return AddressRules(
            tracking=frozenset(self.tracking),
            devices=self.devices,
            sites=tuple(sorted((host, site.rules()) for host, site in self.sites.items())),
        )


def read_addresses(document: Document) -> tuple[AddressRules, list[Fault]]:
    """Return the rules of ``addresses.yaml`` (the usual ones, when that is wrong)."""
    if document.faults or document.data is None:
        return USUAL_ADDRESSES, list(document.faults)
    if not isinstance(document.data, dict):
        text = 'is not a mapping of keys to values; write tracking: and below it "- utm_*"'
        return USUAL_ADDRESSES, [Fault(document.file, 1, 1, text)]
    found, wrong = validated(AddressesFile, document, ())
    return found.rules() if found else USUAL_ADDRESSES, wrong
