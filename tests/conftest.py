"""What every room's tests may use."""

from collections.abc import Iterator

import pytest
import structlog

from tests.origin import Origin
from tests.postgres import NoServerError, Server, found, served
from tests.reach import leads_to
from tests.stores import ENGINES, Engine, address_in, kept_by

ASKED = "--engine"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all tests that open a store do so on another engine."""
    parser.addoption(
        ASKED,
        choices=ENGINES,
        default=ENGINES[0],
        help="what keeps the stores of tests; those that open none, or run on every engine anyway,"
        " are left out when it is not sqlite",
    )


def pytest_configure(config: pytest.Config) -> None:
    """End at once, and well, when the engine that is asked for cannot be had."""
    if config.getoption(ASKED) != "postgres":
        return
    try:
        found()
    except NoServerError as error:
        pytest.exit(f"PostgreSQL: skipped, {error}", returncode=0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is the same whatever engine is asked for."""
    if config.getoption(ASKED) == ENGINES[0]:
        return
    left_out = [item for item in items if not _depends(item)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]


def _depends(item: pytest.Item) -> bool:
    if "engine" in getattr(item, "fixturenames", ()) or item.get_closest_marker("about_sqlite"):
        return False
    return leads_to(item, address_in)


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


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """Yield the address of a database of its own on a real server."""
    made = postgres.new()
    yield made
    postgres.drop(made)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run the test on every engine that a store may be kept by."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with kept_by(server) as chosen:
        yield chosen


@pytest.fixture(autouse=True)
def _kept_as_asked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the stores of this test by the engine that the run is asked for."""
    if request.config.getoption(ASKED) != "postgres":
        yield
        return
    with kept_by(request.getfixturevalue("postgres")):
        yield


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
