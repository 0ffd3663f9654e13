"""What every room's tests may use."""

from collections.abc import Iterator

import pytest
import structlog

from tests.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Yield a scripted publisher on loopback."""
    here = Origin()
    here.start()
    yield here
    here.stop()


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Leave the log as it was: a command sets it up for its whole process."""
    yield
    structlog.reset_defaults()
