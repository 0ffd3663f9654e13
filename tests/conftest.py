"""What every room's tests may use."""

from collections.abc import Iterator

import pytest
import structlog

from tests.origin import Origin
from tests.postgres import NoServerError, Server, found, served
from tests.stores import ENGINES, Engine, kept_by


def pytest_report_header() -> str | None:
    """Say once why the tests on PostgreSQL are skipped."""
    try:
        found()
    except NoServerError as error:
        return f"PostgreSQL: skipped, {error}; Debian's package postgresql has it"
    return None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Yield a PostgreSQL server, one for all tests that want one."""
    pytest.importorskip("psycopg")
    try:
        with served() as server:
            yield server
    except NoServerError as error:
        pytest.skip(f"no PostgreSQL server: {error}")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run the test on every engine that a store may be kept by."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with kept_by(server) as chosen:
        yield chosen


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
