import socket

import pytest

from aggregator.model.visits import Refused
from aggregator.sources.guard import Allowed, Reach, reach_of, verdict

WORLD = Reach()
HOME = reach_of(("127.0.0.0/8", "fd12::/16"), (80, 443))

REFUSED = [
    # IPv4: every block of the special-purpose registry, at its edges
    ("0.0.0.0", "this network"),
    ("0.255.255.255", "this network"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.0", "carrier-grade NAT"),
    ("100.100.100.200", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "cloud metadata"),
    ("169.254.0.1", "link-local"),
    ("169.254.169.254", "link-local"),
    ("169.254.170.2", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.1", "reserved"),
    ("192.0.0.192", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "reserved"),
    ("192.168.0.1", "private"),
    ("192.168.255.255", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    # IPv6
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "site-local"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("fdff:ffff::1", "private"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("100::1", "discard-only"),
    ("5f00::1", "segment routing"),
    ("2001:2::1", "reserved"),
    ("2001:10::1", "reserved"),
    ("4000::1", "unassigned"),
    ("1::1", "unassigned"),
    # IPv4 within IPv6
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.1.2.3", "private"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::ffff:7f00:1", "loopback"),
    ("::ffff:0:0", "this network"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::10.0.0.1", "IPv4-compatible"),
    ("::8.8.8.8", "IPv4-compatible"),
    ("::ffff:0:127.0.0.1", "IPv4-translated"),
    ("64:ff9b::127.0.0.1", "loopback 127.0.0.1 within"),
    ("64:ff9b::7f00:1", "loopback 127.0.0.1 within"),
    ("64:ff9b::10.0.0.1", "private 10.0.0.1 within"),
    ("64:ff9b::169.254.169.254", "link-local"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    ("2002:7f00:1::", "loopback 127.0.0.1 within"),
    ("2002:a00:1::1", "private 10.0.0.1 within"),
    ("2002:c0a8:101::1", "private 192.168.1.1 within"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001::7f00:1", "Teredo"),
    ("2a00:1450::5efe:10.0.0.1", "private 10.0.0.1 within"),
    ("2a00:1450::200:5efe:127.0.0.1", "loopback 127.0.0.1 within"),
]

ALLOWED = [
    ("8.8.8.8", "8.8.8.8"),
    ("1.1.1.1", "1.1.1.1"),
    ("9.255.255.255", "9.255.255.255"),
    ("11.0.0.0", "11.0.0.0"),
    ("100.63.255.255", "100.63.255.255"),
    ("100.128.0.0", "100.128.0.0"),
    ("172.15.255.255", "172.15.255.255"),
    ("172.32.0.0", "172.32.0.0"),
    ("168.63.129.17", "168.63.129.17"),
    ("223.255.255.255", "223.255.255.255"),
    ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::200e"),
    ("2606:4700::1111", "2606:4700::1111"),
    ("::ffff:8.8.8.8", "8.8.8.8"),
    ("64:ff9b::8.8.8.8", "64:ff9b::808:808"),
    ("2a00:1450::5efe:8.8.8.8", "2a00:1450::5efe:808:808"),
]


@pytest.mark.conforms("D02", "D03")
@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str, why: str) -> None:
    found = verdict(address, 443, WORLD)
    assert isinstance(found, Refused)
    assert f"({why}" in found.reason


@pytest.mark.parametrize(("address", "plain"), ALLOWED)
def test_a_public_address_is_allowed_in_its_plain_form(address: str, plain: str) -> None:
    assert verdict(address, 443, WORLD) == Allowed(address=plain)


@pytest.mark.conforms("D06")
@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 6379, 8080, 65535])
def test_only_the_listed_ports_are_asked(port: int) -> None:
    found = verdict("8.8.8.8", port, WORLD)
    assert isinstance(found, Refused)
    assert str(port) in found.reason
    assert isinstance(verdict("8.8.8.8", port, reach_of((), (port,))), Allowed)


@pytest.mark.conforms("D08")
@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "::ffff:127.0.0.1", "fd12::1"])
def test_a_network_named_by_ops_is_allowed_on_any_port(address: str) -> None:
    assert isinstance(verdict(address, 6379, HOME), Allowed)


@pytest.mark.conforms("D03", "D08")
@pytest.mark.parametrize(
    "address", ["10.0.0.1", "::1", "fd13::1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "::127.0.0.1"]
)
def test_naming_one_network_opens_no_other_and_no_tunnel_to_it(address: str) -> None:
    assert isinstance(verdict(address, 443, HOME), Refused)


def test_naming_a_network_does_not_open_ports_elsewhere() -> None:
    assert isinstance(verdict("8.8.8.8", 8080, HOME), Refused)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "[::1]"])
def test_what_is_not_an_address_is_refused(text: str) -> None:
    assert isinstance(verdict(text, 443, HOME), Refused)


@pytest.mark.conforms("D04")
@pytest.mark.parametrize("spelling", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"])
def test_every_spelling_of_loopback_resolves_to_a_refused_address(spelling: str) -> None:
    """The system reads these, so it is its answer that counts."""
    for *_, place in socket.getaddrinfo(spelling, 80, type=socket.SOCK_STREAM):
        assert isinstance(verdict(str(place[0]), 80, WORLD), Refused)


def test_a_mistyped_network_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0"):
        reach_of(("127.0.0/8",), (80,))
