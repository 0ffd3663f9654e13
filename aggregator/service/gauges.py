"""What can be counted, for Prometheus?

A registry of our own, with no label that a publisher or a reader could make grow.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from aggregator import __version__
from aggregator.service.ledger import Delay
from aggregator.service.poll import Visit

SPANS = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400)  # seconds


class Reading(Struct, frozen=True, kw_only=True):
    """What stands at one moment: a gauge by ``name``, with the value for each ``label``."""

    name: str
    help: str
    values: tuple[tuple[str, float], ...]
    label: str = ""


disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the text, and nobody asks


class Gauges:
    """Counts what happens; what stands is read when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._visits = Counter(
            "aggregator_visits", "Visits of feeds", ["outcome"], registry=self._registry
        )
        self._items = Counter(
            "aggregator_items", "Items that visits brought", ["kind"], registry=self._registry
        )
        self._took = Histogram(
            "aggregator_visit_seconds",
            "Seconds from a feed's turn to the end of its visit",
            buckets=(0.1, 0.3, 1, 3, 10, 30, 60),
            registry=self._registry,
        )
        self._delay = Histogram(
            "aggregator_delay_seconds",
            "Seconds from an entry's date to our visit (fetched), and on to its readers (served)",
            ["leg"],
            buckets=SPANS,
            registry=self._registry,
        )
        self._lag = Histogram(
            "aggregator_loop_lag_seconds",
            "Seconds by which the event loop was late",
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=self._registry,
        )
        self._standing = _Standing()
        self._registry.register(self._standing)

    def heard(self, visit: Visit) -> None:
        """Count a visit."""
        self._visits.labels(visit.outcome).inc()
        self._items.labels("new").inc(visit.new)
        self._items.labels("revised").inc(visit.revised)
        if visit.took:
            self._took.observe(visit.took)

    def late(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._lag.observe(max(seconds, 0))

    def delayed(self, delays: Iterable[Delay]) -> None:
        """Count how long news took."""
        for delay in delays:
            if delay.fetched is not None:
                self._delay.labels("fetched").observe(delay.fetched.total_seconds())
            self._delay.labels("served").observe(delay.served.total_seconds())

    def told(self, readings: Iterable[Reading]) -> tuple[bytes, str]:
        """Return everything in the text format, with its media type."""
        about = Reading(name="info", help="Version", values=((__version__, 1.0),), label="version")
        self._standing.readings = (about, *readings)
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class _Standing(Collector):
    def __init__(self) -> None:
        self.readings: tuple[Reading, ...] = ()

    def collect(self) -> Iterator[Metric]:
        """Yield what stands now."""
        for one in self.readings:
            labels = [one.label] if one.label else []
            family = GaugeMetricFamily(f"aggregator_{one.name}", one.help, labels=labels)
            for value, number in one.values:
                family.add_metric([value] if labels else [], number)
            yield family
