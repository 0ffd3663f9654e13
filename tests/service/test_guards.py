"""Ops are told which guards are down and which parts are old: at the start, and at each visit."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from aggregator.service.house import opened
from aggregator.service.visitlog import tell
from aggregator.service.vitals import PARTS
from aggregator.sources import expat
from tests.origin import Origin, answer
from tests.service.stage import item, play, rss, settings_for, store_in

pytestmark = pytest.mark.slow


@pytest.fixture
def own_certificate() -> Iterator[Origin]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(__file__).parent.parent / "sources" / "loopback.pem")
    origin = Origin(tls=tls)
    origin.start()
    yield origin
    origin.stop()


@pytest.mark.conforms("D08", "D09", "D19")
def test_a_start_tells_guards_that_are_down_and_old_parts(tmp_path: Path) -> None:
    async def scene() -> None:
        settings = settings_for(
            tmp_path, ["{id: press, url: 'https://press.test/', tls: {verify: no}, enabled: yes}"]
        )
        async with opened(settings, store_in(tmp_path)) as service:
            stop = asyncio.Event()
            await service.run(stop, host="127.0.0.1", port=0, ready=lambda _: stop.set())
            assert service.vitals.health().notes == PARTS

    with capture_logs() as log:
        play(scene())
    told = [line["what"] for line in log if line["log_level"] == "warning" and "what" in line]
    assert told[:2] == [
        "addresses that are not public are asked: 127.0.0.0/8 (reach: allow_private)",
        "press: certificate not verified (tls: verify: false)",
    ]
    assert tuple(told[2:]) == PARTS
    assert bool(PARTS) is bool(expat.weaknesses(expat.in_use()))


@pytest.mark.conforms("D09")
def test_every_visit_without_verification_says_so(tmp_path: Path, own_certificate: Origin) -> None:
    url = own_certificate.script("/", answer(200, rss(item(1))))
    feeds = [f"{{id: {way}, url: '{url}{way}', tls: {{verify: {way}}}}}" for way in ("yes", "no")]
    for way in ("yes", "no"):
        own_certificate.script(f"/{way}", answer(200, rss(item(1))))

    async def scene() -> None:
        async with opened(settings_for(tmp_path, feeds), store_in(tmp_path)) as service:
            await service.prepare()
            for feed, state in await service.due_now():
                tell(structlog.get_logger(), await service.poller.visit(feed, state))

    with capture_logs() as log:
        play(scene())
    lines = {line["feed"]: line for line in log if line["event"] == "visited"}
    assert lines["no"]["outcome"] == "fetched"
    assert lines["no"]["tls"] == "certificate not verified"
    assert lines["yes"]["outcome"] == "failed"
    assert "tls" not in lines["yes"]
