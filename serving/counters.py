"""Figures for operators in Prometheus' text format. Labels are bounded: routes, methods, statuses, never a tenant."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counters:
    """The counters of one app; each app has its own registry, so that two in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "varai_http_requests", "Answers given.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "varai_http_request_seconds",
            "Time to the end of an answer.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._events = Counter("varai_events", "Events told by shops, by fate.", ("fate",), registry=self._registry)
        self._hooks = Counter("varai_hooks", "Deliveries of vendors, by fate.", ("fate",), registry=self._registry)
        self._tokens = Counter("varai_tokens", "Requests for tokens by outcome.", ("outcome",), registry=self._registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def token(self, outcome: str) -> None:
        """Count a request for a token: `issued` or `refused`."""
        self._tokens.labels(outcome).inc()

    def events(self, fate: str, count: int) -> None:
        """Count events: `landed`, `duplicate`, `without_consent` or `withheld`."""
        self._events.labels(fate).inc(count)

    def hook(self, fate: str) -> None:
        """Count a delivery: `kept`, `duplicate`, `ignored`, `greeted` or `refused`."""
        self._hooks.labels(fate).inc()

    def text(self) -> bytes:
        """All figures, in the text format."""
        return generate_latest(self._registry)
