import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from aggregator.model.visits import Answer, Failed, Fetched, Hints
from aggregator.sources.manners import Courtesy, HostHistory, Manners, after, wait_for

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
COURTESY = Courtesy(spacing=2 * SECOND, starts_a_second=0)


def busy(status: int = 429, after: timedelta | None = None) -> Failed:
    return Failed(reason="x", status=status, hints=Hints(retry_after=after))


class Rig:
    """Virtual time: a sleep ends when everybody sleeps, and time goes on to the earliest end."""

    def __init__(self, courtesy: Courtesy) -> None:
        self.now = NOW
        self.manners = Manners(courtesy, clock=lambda: self.now, sleep=self.sleep)
        self.starts: list[tuple[str, float]] = []
        self.put_off: list[tuple[str, datetime]] = []
        self.running: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + timedelta(seconds=seconds), len(self.starts), woken))
        await woken.wait()

    async def visit(
        self, url: str, takes: float = 0.5, answer: Answer | None = None, before: float = 0
    ) -> None:
        async with self.manners.place(url) as turn:
            if turn.put_off is not None:
                self.put_off.append((url, turn.put_off))
                return
            if before:
                await self.sleep(before)
            await self.manners.go(url)
            self.starts.append((url, (self.now - NOW).total_seconds()))
            for name in (url, "all"):
                self.running[name] = self.running.get(name, 0) + 1
                self.most[name] = max(self.most.get(name, 0), self.running[name])
            await self.sleep(takes)
            for name in (url, "all"):
                self.running[name] -= 1
            self.manners.note(url, answer or Fetched(url=url, body=b""))

    def run(self, *visits: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(self._run(visits))

    async def _run(self, visits: tuple[Callable[[], Coroutine[Any, Any, None]], ...]) -> None:
        tasks = [asyncio.create_task(visit()) for visit in visits]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self._sleepers.sort(key=lambda sleeper: sleeper[0])
                until, _, woken = self._sleepers.pop(0)
                self.now = max(self.now, until)
                woken.set()
        await asyncio.gather(*tasks)


@pytest.mark.conforms("A36")
def test_a_host_is_asked_one_at_a_time_with_space_between() -> None:
    rig = Rig(COURTESY)
    rig.run(*[lambda n=n: rig.visit("http://h.example/") for n in range(200)])
    assert [at for _, at in rig.starts] == [2.5 * n for n in range(200)]  # after half a second each
    assert rig.most["http://h.example/"] == 1


def test_the_space_counts_from_the_answer_which_proves_that_the_request_had_arrived() -> None:
    """A request may be long on its way, and the next one short: they would arrive together."""
    rig = Rig(COURTESY)
    rig.run(*[lambda: rig.visit("http://h.example/", takes=7) for _ in range(3)])
    assert [at for _, at in rig.starts] == [0, 9, 18]
    _, history = rig.manners.history("http://h.example/")
    assert history.started == NOW + 25 * SECOND  # for who asks there next, in another process


def test_several_at_once_are_still_spaced() -> None:
    rig = Rig(Courtesy(spacing=2 * SECOND, at_once=3, starts_a_second=0))
    rig.run(*[lambda: rig.visit("http://h.example/", takes=9) for _ in range(5)])
    assert [at for _, at in rig.starts] == [0, 2, 4, 13, 15]


def test_subdomains_share_their_owners_patience() -> None:
    rig = Rig(COURTESY)
    rig.run(
        lambda: rig.visit("http://www.paper.co.uk/a"),
        lambda: rig.visit("https://feeds.paper.co.uk"),
    )
    assert [at for _, at in rig.starts] == [0, 2.5]


def test_hosts_do_not_wait_for_each_other() -> None:
    rig = Rig(COURTESY)
    rig.run(*[lambda n=n: rig.visit(f"http://h{n}.example{n}/") for n in range(9)])
    assert {at for _, at in rig.starts} == {0}


@pytest.mark.conforms("A36")
@pytest.mark.parametrize("at_once", [1, 3])
def test_requests_to_a_host_are_spaced_whatever_is_done_between_turn_and_request(
    at_once: int,
) -> None:
    rig = Rig(Courtesy(spacing=2 * SECOND, at_once=at_once, starts_a_second=0))
    rig.run(*[lambda n=n: rig.visit("http://h.example/", before=n) for n in (5, 3, 1, 0)])
    starts = sorted(at for _, at in rig.starts)
    assert all(later - earlier >= 2 for earlier, later in pairwise(starts))


@pytest.mark.conforms("A35")
def test_starts_keep_the_common_pace_whatever_is_done_between_turn_and_request() -> None:
    """All are held up to one moment, and leave one after another."""
    rig = Rig(Courtesy(all_at_once=50, starts_a_second=4))
    hosts = [f"http://10.0.0.{n}/" for n in range(12)]
    rig.run(*[lambda host=host: rig.visit(host, before=3) for host in hosts])
    assert [at for _, at in rig.starts] == [3 + n / 4 for n in range(12)]


@pytest.mark.conforms("A35")
def test_no_more_than_so_many_are_in_flight_altogether() -> None:
    rig = Rig(Courtesy(all_at_once=4, starts_a_second=0))
    rig.run(*[lambda n=n: rig.visit(f"http://10.0.0.{n}/") for n in range(20)])
    assert rig.most["all"] == 4


@pytest.mark.conforms("A35")
def test_after_an_outage_starts_keep_a_common_pace() -> None:
    """Everything is overdue at once, yet no more than so many start within a second."""
    rig = Rig(Courtesy(all_at_once=50, starts_a_second=5))
    rig.run(*[lambda n=n: rig.visit(f"http://10.0.0.{n}/", takes=0.1) for n in range(30)])
    ats = [at for _, at in rig.starts]
    assert all(sum(second <= at < second + 1 for at in ats) <= 5 for second in range(6))
    assert max(ats) < 7


@pytest.mark.conforms("A35")
def test_thousands_that_are_overdue_start_at_the_common_pace_and_few_at_once() -> None:
    rig = Rig(Courtesy(all_at_once=12, starts_a_second=10))
    hosts = [f"http://10.0.{n // 250}.{n % 250}/" for n in range(2_000)]
    rig.run(*[lambda host=host: rig.visit(host, takes=1.5) for host in hosts])
    started = Counter(int(at) for _, at in rig.starts)
    assert (len(rig.starts), rig.most["all"]) == (2_000, 12)
    assert max(started.values()) <= 10
    assert max(started) <= 2_000 * 1.5 / 12 + 1


@pytest.mark.conforms("E32")
def test_a_slow_host_holds_no_place_that_others_could_use() -> None:
    """Forty visits wait for one host, and another host is not among those who wait."""
    rig = Rig(Courtesy(all_at_once=2, spacing=2 * SECOND, starts_a_second=0))
    slow = [lambda: rig.visit("http://slow.example/", takes=60) for _ in range(40)]
    rig.run(*slow, lambda: rig.visit("http://quick.test/"))
    assert ("http://quick.test/", 0) in rig.starts


@pytest.mark.conforms("A37")
def test_one_429_puts_off_all_feeds_of_that_host() -> None:
    rig = Rig(COURTESY)
    rig.run(
        lambda: rig.visit("http://a.paper.co.uk/1", answer=busy(after=10 * MINUTE)),
        lambda: rig.visit("http://b.paper.co.uk/2"),
        lambda: rig.visit("http://b.paper.co.uk/3"),
        lambda: rig.visit("http://other.example/"),
    )
    assert [url for url, _ in rig.starts] == ["http://a.paper.co.uk/1", "http://other.example/"]
    assert [url for url, _ in rig.put_off] == ["http://b.paper.co.uk/2", "http://b.paper.co.uk/3"]
    assert all(until == NOW + 10 * MINUTE + SECOND / 2 for _, until in rig.put_off)


def test_a_host_may_be_asked_again_after_its_quiet_time() -> None:
    rig = Rig(COURTESY)
    rig.manners.note("http://h.example/", busy(503, after=MINUTE))
    assert rig.manners.quiet_until("http://h.example/") == NOW + MINUTE
    rig.now += MINUTE
    assert rig.manners.quiet_until("http://h.example/") is None
    rig.run(lambda: rig.visit("http://h.example/"))
    assert len(rig.starts) == 1


@pytest.mark.conforms("A36", "A37")
def test_a_host_is_spared_after_a_restart_as_before_it() -> None:
    first, second = Rig(COURTESY), Rig(COURTESY)
    first.run(lambda: first.visit("http://h.example/", takes=0))
    assert first.manners.note("http://i.test/", busy(after=MINUTE))
    assert not first.manners.note("http://i.test/", busy(500))
    kept = dict(first.manners.history(url) for url in ("http://h.example/", "http://i.test/"))

    second.manners.recall(kept)
    second.run(lambda: second.visit("http://h.example/"), lambda: second.visit("http://i.test/"))

    assert second.starts == [("http://h.example/", 2)]
    assert second.put_off == [("http://i.test/", NOW + MINUTE)]


def test_a_visit_that_breaks_off_gives_its_place_back() -> None:
    rig = Rig(Courtesy(all_at_once=1, spacing=timedelta(), starts_a_second=0))

    async def broken() -> None:
        with pytest.raises(RuntimeError):
            async with rig.manners.turn("http://h.example/"):
                raise RuntimeError

    rig.run(broken, lambda: rig.visit("http://h.example/"), lambda: rig.visit("http://i.test/"))
    assert len(rig.starts) == 2


def test_cancelled_waiting_gives_the_place_back() -> None:
    rig = Rig(Courtesy(all_at_once=1, starts_a_second=0))

    async def story() -> None:
        first = asyncio.create_task(rig.visit("http://h.example/", takes=5))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(rig.visit("http://h.example/")) for _ in range(5)]
        await asyncio.sleep(0)
        for task in (first, *waiting):
            task.cancel()
        await asyncio.gather(first, *waiting, return_exceptions=True)
        async with rig.manners.turn("http://i.test/") as turn:
            assert turn.put_off is None

    asyncio.run(story())


@pytest.mark.conforms("A36", "A37", "A39")
@pytest.mark.parametrize(
    ("history", "wait"),
    [
        (HostHistory(), timedelta()),
        (HostHistory(started=NOW), 2 * SECOND),
        (HostHistory(started=NOW - SECOND), SECOND),
        (HostHistory(started=NOW - MINUTE), timedelta()),
        (HostHistory(started=NOW, quiet_until=NOW + HOUR), HOUR),
        (HostHistory(started=NOW, quiet_until=NOW - HOUR), 2 * SECOND),
        (HostHistory(started=NOW + 30 * 24 * HOUR), 2 * SECOND),
        (HostHistory(quiet_until=NOW + 30 * 24 * HOUR), 24 * HOUR),
    ],
)
def test_a_wait_follows_its_rule_and_no_clock_makes_it_longer(
    history: HostHistory, wait: timedelta
) -> None:
    assert wait_for(history, NOW, COURTESY) == wait


@pytest.mark.parametrize(
    ("answer", "quiet"),
    [
        (busy(429), 10 * MINUTE),
        (busy(503), 10 * MINUTE),
        (busy(429, MINUTE), MINUTE),
        (busy(429, 99 * 24 * HOUR), 24 * HOUR),
        (busy(500), None),
        (busy(404, HOUR), None),
        (Fetched(url="x", body=b""), None),
    ],
)
def test_only_429_and_503_quiet_a_host(answer: Answer, quiet: timedelta | None) -> None:
    found = after(HostHistory(), answer, NOW, COURTESY)
    assert found.quiet_until == (None if quiet is None else NOW + quiet)


def test_a_shorter_wish_does_not_undo_a_longer_one() -> None:
    history = after(HostHistory(), busy(429, HOUR), NOW, COURTESY)
    assert after(history, busy(429, MINUTE), NOW, COURTESY).quiet_until == NOW + HOUR
