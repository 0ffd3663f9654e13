"""What the tests of asking use."""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model.visits import Answer
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.policy import FetchPolicy
from tests.origin import Origin

POLICY = FetchPolicy(
    user_agent="aggregator/1.0 (+https://example.org/about)",
    total_seconds=20,
    connect_seconds=5,
    allow_private=("127.0.0.0/8",),
)

# A key and certificate for 127.0.0.1 and localhost, signed by itself, for tests only.
LOOPBACK_PEM = Path(__file__).parent / "loopback.pem"


class Asker:
    """Makes visits with a policy that reaches loopback; ``names`` stand in for name servers."""

    def __init__(self) -> None:
        self.names: dict[str, Sequence[str]] = {}
        self.lookups: list[str] = []

    def fetcher(self, **changes: Any) -> Fetcher:
        policy = replace(POLICY, **changes)
        return Fetcher(policy, resolve=self.resolve) if self.names else Fetcher(policy)

    def __call__(self, url: str, *, policy: dict[str, Any] | None = None, **ask: Any) -> Answer:
        return self.ask(Ask(url=url, **ask), **(policy or {}))

    def ask(self, ask: Ask, **changes: Any) -> Answer:
        async def visit() -> Answer:
            return await self.fetcher(**changes).fetch(ask)

        return asyncio.run(visit())

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append(host)
        return self.names.get(host, (host,))


@pytest.fixture
def visit() -> Asker:
    """Return a hand that makes one visit: ``visit(url, validators=…, policy={…})``."""
    return Asker()


@pytest.fixture
def secure_origin() -> Iterator[Origin]:
    """Yield a scripted publisher that speaks HTTPS with a certificate nobody trusts yet."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(LOOPBACK_PEM)
    here = Origin(tls=tls)
    here.start()
    yield here
    here.stop()
