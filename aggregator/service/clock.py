"""What time is it? The only place that asks."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present, aware, UTC, in whole seconds: the grain of everything stored."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the one clock
