"""What time is it? The only place that asks."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present, aware, UTC, in whole seconds: the grain of everything stored."""
    return exact().replace(microsecond=0)


def exact() -> datetime:
    """Return the present, aware, UTC, to the microsecond: for pauses shorter than a second."""
    return datetime.now(UTC)  # noqa: TID251 - the one clock
