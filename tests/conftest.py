"""What every room's tests may use."""

from collections.abc import Iterator

import pytest

from tests.origin import Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Yield a scripted publisher on loopback."""
    here = Origin()
    here.start()
    yield here
    here.stop()
