"""Which addresses may be asked?

Pure: the verdict is on an address that was already resolved. Whoever connects asks for it and then
connects to that very address, so that a second lookup cannot change the answer.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

from aggregator.model.visits import Refused

SCHEMES = frozenset({"http", "https"})

# IANA IPv4 and IPv6 Special-Purpose Address Registries, plus multicast. Written out because
# `ipaddress.is_global` changed its mind between Python 3.11 and 3.13 and lets NAT64, 6to4 and
# IPv4-compatible forms of 127.0.0.1 through.
_SPECIAL_4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(text), name)
    for text, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's, on an otherwise public network
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_PUBLIC_6 = IPv6Network("2000::/3")  # all that IANA has given out; the rest is special or unused

_SPECIAL_6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(text), name)
    for text, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how an IPv6-only network reaches IPv4 publishers
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214, upper half of the interface identifier

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Reach(Struct, frozen=True, kw_only=True):
    """How far we may reach beyond the public internet.

    ``private`` networks are allowed although they are not public, on any port: who names a network
    of their own knows what listens there. Everywhere else only ``ports`` are.
    """

    private: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({80, 443})


class Allowed(Struct, frozen=True, kw_only=True):
    """The address may be connected to, in its plain form."""

    address: str


def reach_of(private: tuple[str, ...], ports: tuple[int, ...]) -> Reach:
    """Read networks such as ``127.0.0.0/8``; `ValueError` when one is not a network."""
    return Reach(
        private=tuple(ip_network(text, strict=False) for text in private), ports=frozenset(ports)
    )


def verdict(address: str, port: int, reach: Reach) -> Allowed | Refused:
    """Say whether ``address`` (resolved, numeric) may be connected to on ``port``."""
    try:
        plain = _plain(ip_address(address))
    except ValueError:
        return Refused(reason=f"{address!r} is not an IP address")
    if any(plain in network for network in reach.private if network.version == plain.version):
        return Allowed(address=str(plain))
    special = special_name(plain)
    if special is not None:
        return Refused(
            reason=f"{plain} is not public ({special}); if you mean it, list its network under"
            f" reach: allow_private in config/service.yaml, e.g. {_around(plain)}"
        )
    if port not in reach.ports:
        return Refused(reason=f"port {port} is not allowed")
    return Allowed(address=str(plain))


def _around(address: Address) -> str:
    special = _SPECIAL_4 if isinstance(address, IPv4Address) else _SPECIAL_6
    return str(next((network for network, _ in special if address in network), address))


def special_name(address: Address) -> str | None:
    """Name what makes ``address`` other than public, None when it is public.

    Addresses that carry an IPv4 address within are judged by that one as well: 64:ff9b::7f00:1
    and 2002:7f00:1:: both lead home.
    """
    if isinstance(address, IPv4Address):
        return next((name for network, name in _SPECIAL_4 if address in network), None)
    inner = _carried(address)
    if inner is not None and (name := special_name(inner)) is not None:
        return f"{name} {inner} within"
    if address in _NAT64:
        return None
    name = next((name for network, name in _SPECIAL_6 if address in network), None)
    if name is None and address not in _PUBLIC_6:
        return "unassigned"
    return name


def _plain(address: Address) -> Address:
    """``::ffff:a.b.c.d`` is the IPv4 address itself: the system connects over IPv4."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
