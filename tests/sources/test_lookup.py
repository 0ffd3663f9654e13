"""Name servers that answer, refuse, and never do either."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from aggregator.model.visits import Answer, Failed, Fetched
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.lookup import LOOKUPS, Lookup
from tests.origin import Origin, answer
from tests.sources.conftest import POLICY

PATIENCE = 30


class NameServer:
    """Answers ``good.test``, knows no other name, and leaves names in ``tar`` waiting."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.waiting = 0
        self.released = threading.Event()

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host.startswith("tar"):
            self.waiting += 1
            self.released.wait(PATIENCE)
        if host == "good.test":
            return ("127.0.0.1",)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")


@pytest.mark.conforms("E40")
def test_lookups_run_in_threads_that_never_delay_an_exit() -> None:
    """`localhost` takes a real lookup; its thread is a daemon, and its place is given back."""

    async def story() -> set[bool]:
        lookup = Lookup()
        for _ in range(2 * LOOKUPS):
            found = await lookup("localhost", 80)
            assert set(found) & {"127.0.0.1", "::1"}
        return {thread.daemon for thread in threading.enumerate() if thread.name == "lookup"}

    assert asyncio.run(story()) <= {True}


@pytest.mark.conforms("E40")
def test_a_name_is_asked_about_once_however_many_wait_for_it() -> None:
    async def story() -> None:
        server = NameServer()
        lookup = Lookup(server)
        waiting = [asyncio.create_task(lookup("tar.test", 80)) for _ in range(100)]
        while not server.waiting:  # noqa: ASYNC110 - it waits in a thread
            await asyncio.sleep(0.01)
        for task in waiting[:50]:
            task.cancel()
        server.released.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        kinds = [type(error) for error in found]
        assert kinds == 50 * [asyncio.CancelledError] + 50 * [socket.gaierror]
        assert server.asked == ["tar.test"]

    asyncio.run(story())


@pytest.mark.conforms("E40")
def test_a_name_that_has_no_address_is_not_asked_about_again_at_once() -> None:
    async def story() -> None:
        server = NameServer()
        lookup = Lookup(server)
        for _ in range(3):
            with pytest.raises(socket.gaierror):
                await lookup("unknown.test", 80)
            assert await lookup("good.test", 80) == ("127.0.0.1",)
        assert server.asked == ["unknown.test", *3 * ["good.test"]]

    asyncio.run(story())


@pytest.mark.conforms("E40")
def test_a_tarpit_of_name_servers_holds_up_nobody_for_good(origin: Origin) -> None:
    """One name keeps one thread, all of them together no more than there are; numbers need none."""
    origin.script("/", answer(200, b"<rss/>"))

    async def story() -> None:
        server = NameServer()
        lookup = Lookup(server)
        hasty = Fetcher(replace(POLICY, connect_seconds=0.5), resolve=lookup)
        patient = Fetcher(POLICY, resolve=lookup)

        async def ask(host: str, fetcher: Fetcher = hasty) -> Answer:
            return await fetcher.fetch(Ask(url=origin.url("/", host=host)))

        same = await asyncio.gather(*(ask("tar.test") for _ in range(3 * LOOKUPS)))
        assert set(same) == {Failed(reason="could not connect within 0.5 s")}
        assert isinstance(await ask("good.test", patient), Fetched)
        many = await asyncio.gather(*(ask(f"tar{n}.test") for n in range(3 * LOOKUPS)))
        assert set(many) == {Failed(reason="could not connect within 0.5 s")}
        assert isinstance(await ask("127.0.0.1", patient), Fetched)
        while server.waiting < LOOKUPS:  # noqa: ASYNC110 - they wait in threads
            await asyncio.sleep(0.01)
        assert server.waiting == LOOKUPS
        server.released.set()
        assert isinstance(await ask("good.test", patient), Fetched)

    before = threading.active_count()
    asyncio.run(story())
    for thread in threading.enumerate():
        if thread.name == "lookup":
            thread.join(PATIENCE)
    assert threading.active_count() <= before
