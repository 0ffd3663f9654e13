"""Nothing that anybody writes leads us to an address that we refuse: not one connection.

Traps listen on loopback at ``PORT``, where no address is allowed but that of the publisher. Every
form is asked as it stands, and as the target of every kind of redirect from the publisher.
"""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from msgspec.structs import replace

from aggregator.model.feeds import Feed
from aggregator.model.visits import Answer, Failed, Fetched, Refused
from aggregator.sources.certificates import contexts
from aggregator.sources.connect import Network
from aggregator.sources.door import Door
from aggregator.sources.fetch import Ask, Exchange, Fetcher
from aggregator.sources.guard import reach_of
from aggregator.sources.lookup import Lookup
from aggregator.sources.troubles import RefusedError
from tests.origin import Origin, answer
from tests.sources.conftest import POLICY

PUBLISHER = "127.0.0.77"  # the only address that is allowed
REDIRECTS = (301, 302, 303, 307, 308)
MANY = 60

# By rule, hosts as they may stand in an address.
FORMS: dict[str, tuple[str, ...]] = {
    "loopback in any spelling": (
        "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "2130706433",
        "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0X7F.0X0.0X0.0X1", "017700000001", "0177.0.0.1",
        "0177.0.0.01", "127.000.000.001", "00000177.0.0.1", "127.0.0.1.", "127.1.", "127.65530",
    ),
    "this host": ("0", "0.0.0.0", "0x0", "00", "0.0", "0.0.0.0."),
    "names of this host": (
        "localhost", "LOCALHOST", "localhost.", "inside.test", "Inside.Test.", "six.test",
        "127.0.0.1.nip.test", "xn--inside.test",
    ),
    "loopback in version 6": (
        "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::0]", "[::1%25lo]",
    ),
    "version 4 within version 6": (
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:0001]", "[::ffff:0.0.0.0]",
        "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2002:7f00:1::1]",
        "[2001:0:7f00:1::]", "[2001::80ff:fffe]", "[2a00:1450::5efe:127.0.0.1]",
        "[2a00:1450::200:5efe:127.0.0.1]", "mapped.test", "nat64.test",
    ),
    "networks that are not public": (
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "0xc0a80001", "100.64.0.1",
        "198.18.0.1", "192.0.2.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "[fc00::1]", "[fd12:3456::1]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]",
        "[100::1]", "[2001:db8::1]",
    ),
    "metadata of a cloud": (
        "169.254.169.254", "0xa9fea9fe", "2852039166", "169.254.170.2", "168.63.129.16",
        "100.100.100.200", "192.0.0.192", "[fd00:ec2::254]", "[::ffff:169.254.169.254]",
        "metadata.test",
    ),
    "digits and dots of other scripts": (
        "１２７.０.０.１", "127。0。0。1", "127｡0｡0｡1", "127．0．0．1", "①②⑦.⓪.⓪.①", "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
        "ｌｏｃａｌｈｏｓｔ", "lⓄcalhost", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhost。", "0ｘ7f000001", "١٢٧.٠.٠.١",
    ),
    "users before the host": (
        "public.test@127.0.0.1", "public.test:80@127.0.0.1", "public.test%2f@127.0.0.1",
        "public.test%23@127.0.0.1", "public.test@inside.test", "a@b@127.0.0.1", "@127.0.0.1",
        "public.test\\@127.0.0.1", "127.0.0.1\\@public.test", "public.test%00@127.0.0.1",
        "127.0.0.1%2f@public.test", "public.test#@127.0.0.1", "public.test?@127.0.0.1",
    ),
    "hosts that are none": (
        "127.0.0.1%00", "127.0.0.1\t", "\t127.0.0.1", "127.0.0.1%0d%0a", "[127.0.0.1]", "[::1",
        "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "%6cocalhost", "127.0.0.1 ", "127..0.0.1", "1270.0.1",
        "\u200b127.0.0.1", "127.0.0.1\ufeff", "loc\u00adalhost",
    ),
}  # fmt: skip

# Only where a redirect says them: what is left out is taken from where it was said.
LOCATIONS = (
    "//127.0.0.1:PORT/", "//[::1]:PORT/", "///127.0.0.1:PORT/", "/\\127.0.0.1:PORT/",
    "\\\\127.0.0.1:PORT/", "http:127.0.0.1:PORT/", "http:/127.0.0.1:PORT/",
    "http:\\\\127.0.0.1:PORT/", "http:////127.0.0.1:PORT/", " http://127.0.0.1:PORT/",
    "ht\ttp://127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@public.test/", "HTTP://127.0.0.1:PORT/",
    "feed://127.0.0.1:PORT/", "feed:http://127.0.0.1:PORT/", "view-source:http://127.0.0.1:PORT/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1:PORT/",
    "gopher://127.0.0.1:PORT/_GET%20/", "dict://127.0.0.1:PORT/x", "ldap://127.0.0.1:PORT/",
    "ws://127.0.0.1:PORT/", "unix:/run/docker.sock", "http+unix://%2frun%2fdocker.sock/x",
    "jar:http://127.0.0.1:PORT!/", "data:text/xml,<rss/>", "javascript:alert(1)",
)  # fmt: skip

NAMES: dict[str, tuple[str, ...]] = {
    "public.test": (PUBLISHER,),
    "inside.test": ("127.0.0.1",),
    "inside.test.": ("127.0.0.1",),
    "127.0.0.1.nip.test": ("127.0.0.1",),
    "six.test": ("::1",),
    "mapped.test": ("::ffff:127.0.0.1",),
    "nat64.test": ("64:ff9b::7f00:1",),
    "metadata.test": ("169.254.169.254",),
}


@dataclass
class Traps:
    """Sockets that listen on one port of several addresses of this host, and answer nobody."""

    sockets: list[socket.socket] = field(default_factory=list)
    port: int = 0

    def sprung(self) -> int:
        """Return how many connections came; the system has them before a client knows."""
        count = 0
        for trap in self.sockets:
            try:
                trap.accept()[0].close()
                count += 1
            except BlockingIOError:
                continue
        return count


def listening(family: int, address: str, port: int) -> socket.socket:
    trap = socket.socket(family, socket.SOCK_STREAM)
    trap.setblocking(False)
    trap.bind((address, port))
    trap.listen()
    return trap


@pytest.fixture(scope="module")
def traps() -> Iterator[Traps]:
    with ExitStack() as held:
        found = Traps()
        first = held.enter_context(listening(socket.AF_INET, "127.0.0.1", 0))
        found.port = first.getsockname()[1]
        found.sockets.append(first)
        for address in ("127.0.0.2", "127.255.255.254"):
            trap = listening(socket.AF_INET, address, found.port)
            found.sockets.append(held.enter_context(trap))
        if socket.has_ipv6:
            trap = listening(socket.AF_INET6, "::1", found.port)
            found.sockets.append(held.enter_context(trap))
        yield found


@pytest.fixture(scope="module")
def publisher() -> Iterator[Origin]:
    here = Origin(host=PUBLISHER)
    here.start()
    here.script("/", answer(200, b"<rss/>"))
    yield here
    here.stop()


async def by_name(host: str, port: int) -> Sequence[str]:
    """Answer the names above, and read numbers in every spelling that the system reads."""
    found = NAMES.get(host.lower())
    return found or await Lookup(_nobody)(host, port)


def _nobody(host: str, port: int) -> Sequence[str]:
    if host.rstrip(".").lower() == "localhost":
        return ("127.0.0.1", "::1")
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


def fetcher_at(port: int) -> Fetcher:
    """Return one that may reach the publisher, and the traps' port wherever it is public."""
    policy = replace(
        POLICY, allow_private=(f"{PUBLISHER}/32",), allow_ports=(80, 443, port), total_seconds=20
    )
    return Fetcher(policy, resolve=by_name)


def visits(urls: Sequence[str], traps: Traps) -> list[Answer]:
    """Ask each in turn; fails at the first that reaches a trap."""

    async def all_of_them() -> list[Answer]:
        fetcher, found = fetcher_at(traps.port), []
        for url in urls:
            found.append(await fetcher.fetch(Ask(url=url)))
            assert traps.sprung() == 0, url
        return found

    return asyncio.run(all_of_them())


def from_the_publisher(publisher: Origin, location: str) -> list[str]:
    """Let the publisher redirect there in every way; return where it does."""
    return [
        publisher.script(f"/{status}", answer(status, headers={"Location": location}))
        for status in REDIRECTS
    ]


def test_the_traps_work(traps: Traps) -> None:
    for trap in traps.sockets:
        socket.create_connection(trap.getsockname()[:2]).close()
    assert traps.sprung() == len(traps.sockets) >= 3


def test_the_table_is_long_enough() -> None:
    assert len({form for forms in FORMS.values() for form in forms}) >= 2 * MANY


@pytest.mark.conforms("D01", "D02", "D03", "D04", "D05")
@pytest.mark.parametrize("rule", FORMS)
def test_no_form_of_a_refused_address_is_connected_to(
    traps: Traps, publisher: Origin, rule: str
) -> None:
    for form in FORMS[rule]:
        at = f"{form}:{traps.port}"
        urls = [f"http://{at}/", f"https://{at}/"]
        urls += from_the_publisher(publisher, f"http://{at}/latest/meta-data/")
        for found in visits(urls, traps):
            if "public.test" not in form:  # else the host may be the publisher after all
                assert isinstance(found, Refused | Failed), form


@pytest.mark.conforms("D02", "D03", "D04")
@pytest.mark.parametrize(
    "rule",
    [
        "loopback in any spelling",
        "this host",
        "loopback in version 6",
        "version 4 within version 6",
        "networks that are not public",
        "metadata of a cloud",
    ],
)
def test_what_is_an_address_is_refused_as_one(traps: Traps, rule: str) -> None:
    """Ops are told why. A final dot makes a name of it; a zone and octal digits are not read."""
    forms = [form for form in FORMS[rule] if not form.endswith(".") and "%25" not in form]
    urls = [f"http://{form}:{traps.port}/" for form in forms]
    for form, found in zip(forms, visits(urls, traps), strict=True):
        if found != Failed(reason="address cannot be used"):
            assert isinstance(found, Refused), (form, found)
            assert "is not public" in found.reason


@pytest.mark.conforms("D05", "D07")
@pytest.mark.parametrize("location", LOCATIONS)
def test_no_location_leads_to_a_refused_address(
    traps: Traps, publisher: Origin, location: str
) -> None:
    urls = from_the_publisher(publisher, location.replace("PORT", str(traps.port)))
    assert {type(found) for found in visits(urls, traps)} <= {Refused, Failed}


@pytest.mark.parametrize("asked", [[], ["/here"]])
def test_what_was_refused_is_no_request_of_ours(
    traps: Traps, publisher: Origin, asked: list[str]
) -> None:
    """The log of what was sent, from which ops are told how polite we are, does not have it."""
    url = f"http://127.0.0.1:{traps.port}/"
    publisher.script("/here", answer(302, headers={"Location": url}))
    log: list[Exchange] = []
    ask = Ask(url=publisher.url(asked[0]) if asked else url)
    assert isinstance(asyncio.run(fetcher_at(traps.port).fetch(ask, log)), Refused)
    assert [httpx.URL(each.url).path for each in log] == asked


@pytest.mark.conforms("D06")
@pytest.mark.parametrize("port", [22, 25, 81, 3306, 6379, 8080, 9200, 65535])
def test_no_unusual_port_of_a_public_address_is_connected_to(port: int) -> None:
    policy = replace(POLICY, allow_private=())
    tried: list[str] = []

    async def story() -> Answer:
        async def resolve(host: str, port: int) -> Sequence[str]:
            tried.append(host)
            return ("93.184.216.34", "2606:2800:220:1::1")

        return await Fetcher(policy, resolve=resolve).fetch(Ask(url=f"http://world.test:{port}/"))

    assert asyncio.run(story()) == Refused(reason=f"port {port} is not allowed")
    assert tried == ["world.test"]


@dataclass
class Changing:
    """A name server that gives another answer each time."""

    answers: list[tuple[str, ...]]
    asked: int = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if host != "rebind.test":
            return await by_name(host, port)
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.mark.conforms("D01", "D05")
@pytest.mark.parametrize("status", REDIRECTS)
def test_a_name_that_changes_its_address_is_judged_at_every_connection(
    traps: Traps, publisher: Origin, status: int
) -> None:
    """One lookup a connection; the address that it finds is judged, and connected to."""
    port = publisher.port
    back = publisher.url("/", host="rebind.test")
    publisher.script("/hop", answer(status, headers={"Location": back}))

    async def story() -> None:
        server = Changing([(PUBLISHER,), ("127.0.0.1",), (PUBLISHER,), ("127.0.0.1",)])
        policy = replace(POLICY, allow_private=(f"{PUBLISHER}/32",), allow_ports=(port,))
        fetcher = Fetcher(policy, resolve=server)
        there, hop = (publisher.url(path, host="rebind.test") for path in ("/", "/hop"))
        assert isinstance(await fetcher.fetch(Ask(url=there)), Fetched)
        assert isinstance(await fetcher.fetch(Ask(url=there)), Refused)
        assert isinstance(await fetcher.fetch(Ask(url=hop)), Refused)
        assert server.asked == 4

    with listening(socket.AF_INET, "127.0.0.1", port) as trap:
        asyncio.run(story())
        with pytest.raises(BlockingIOError):
            trap.accept()


@pytest.mark.conforms("D01")
@pytest.mark.parametrize(
    ("addresses", "arrives"),
    [
        (("127.0.0.1", PUBLISHER), True),
        ((PUBLISHER, "127.0.0.1"), True),
        (("::1", "::ffff:127.0.0.1", PUBLISHER, "127.0.0.2"), True),
        (("127.0.0.1", "::1"), False),
        (("127.0.0.1", "not an address", ""), False),
    ],
)
def test_of_a_name_with_several_addresses_only_those_allowed_are_tried(
    publisher: Origin, addresses: tuple[str, ...], arrives: bool
) -> None:
    async def story() -> Answer:
        policy = replace(POLICY, allow_private=(f"{PUBLISHER}/32",), allow_ports=(publisher.port,))
        fetcher = Fetcher(policy, resolve=Changing([addresses]))
        return await fetcher.fetch(Ask(url=publisher.url("/", host="rebind.test")))

    with ExitStack() as held:
        sockets = [
            held.enter_context(listening(socket.AF_INET, address, publisher.port))
            for address in ("127.0.0.1", "127.0.0.2")
        ]
        found = asyncio.run(story())
        assert isinstance(found, Fetched if arrives else Refused)
        assert Traps(sockets).sprung() == 0


@pytest.mark.conforms("D01")
def test_when_the_allowed_address_is_dead_no_other_is_tried_instead(publisher: Origin) -> None:
    async def story() -> Answer:
        policy = replace(POLICY, allow_private=(f"{PUBLISHER}/32",))
        fetcher = Fetcher(policy, resolve=Changing([(PUBLISHER, "127.0.0.1")]))
        return await fetcher.fetch(Ask(url=f"http://rebind.test:{port}/"))

    with listening(socket.AF_INET, "127.0.0.1", 0) as trap:
        port = trap.getsockname()[1]
        assert asyncio.run(story()) == Failed(reason="connection refused", closed=True)
        assert Traps([trap]).sprung() == 0


@pytest.mark.conforms("D05")
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_whatever_goes_through_the_door_is_guarded(traps: Traps, method: str) -> None:
    """Callbacks and hubs are asked through it as well."""
    network = Network(
        reach=reach_of((f"{PUBLISHER}/32",), (80, 443, traps.port)),
        resolve=by_name,
        connect_seconds=20,
        header_bytes=10_000,
    )

    async def story() -> None:
        door = Door(contexts(), network)
        for host in ("127.0.0.1", "inside.test", "[::ffff:127.0.0.1]", "0x7f.1"):
            url = f"http://{host}:{traps.port}/callback"
            with pytest.raises(RefusedError, match="not public"):
                await door.handle_async_request(httpx.Request(method, url, content=b"x"))

    asyncio.run(story())
    assert traps.sprung() == 0


def test_a_feed_is_no_way_round(traps: Traps) -> None:
    """Its own headers may name another host; that changes nothing of where the request goes."""
    feed = Feed(id="a", url=f"http://inside.test:{traps.port}/", headers=(("Host", "public.test"),))
    (found,) = visits([feed.url], traps)
    assert isinstance(found, Refused)
