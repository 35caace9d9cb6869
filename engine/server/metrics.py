"""Numbers for Prometheus: a registry of this server's own, so that several servers may live in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Labels are templates of routes and names of stages, never what a client made up: their number is bounded."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stages = Histogram(
            "pagesight_stage_seconds",
            "Seconds of a stage of a search",
            ["stage"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._requests = Histogram(
            "pagesight_request_seconds",
            "Seconds until an answer began",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self.refused = Counter(
            "pagesight_refused_total", "Requests refused before any work", ["why"], registry=self._registry
        )
        self.pictures = Counter(
            "pagesight_pictures_total", "Page pictures asked for", ["from_cache"], registry=self._registry
        )

    def on_stage(self, stage: str, seconds: float) -> None:
        """For ``on_stage`` of a search."""
        self._stages.labels(stage).observe(seconds)

    def on_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)

    def gauge(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """A number that is asked for when the metrics are read."""
        Gauge(name, help_text, registry=self._registry).set_function(value)

    def gauges(self, name: str, help_text: str, label: str, values: Mapping[str, Callable[[], float]]) -> None:
        """The same for several things, by a label."""
        gauge = Gauge(name, help_text, [label], registry=self._registry)
        for key, value in values.items():
            gauge.labels(key).set_function(value)

    def text(self) -> bytes:
        return generate_latest(self._registry)
