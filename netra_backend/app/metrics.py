"""What is counted. One registry per application, made when the application is, so that importing counts nothing."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

HANDSHAKE_STATUSES = ("101", "403")
INTERNAL_ERROR = ("1011", "internal_error")
AUTH_OUTCOMES = (
    "accepted",
    "auth_required",
    "auth_timeout",
    "dependency_unavailable",
    "token_audience",
    "token_expired",
    "token_issuer",
    "token_malformed",
    "token_revoked",
    "token_signature",
)
"""What may come of a token; but for the first and the fourth, the code that the client is closed with."""


class Metrics:
    """The backend's metrics. Labels are bounded: never a user, a token, or a reason that a client chose."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.startup_step_seconds = Gauge(
            "netra_startup_step_seconds", "How long a startup step took.", ["step"], registry=self.registry
        )
        self.startup_failures = Counter(
            "netra_startup_failures", "Startup failures.", ["component", "code"], registry=self.registry
        )
        self.handshakes = Counter(
            "netra_websocket_handshakes", "WebSocket handshakes by HTTP status.", ["status"], registry=self.registry
        )
        self.closes = Counter(
            "netra_websocket_closes", "Closed WebSockets by close code.", ["code", "reason"], registry=self.registry
        )
        self.auth_attempts = Counter(
            "netra_auth_attempts", "Tokens judged, by outcome.", ["outcome"], registry=self.registry
        )
        self.connections = Gauge("netra_connections", "Authenticated connections open now.", registry=self.registry)
        self.messages = Counter("netra_messages", "Messages from clients.", ["type", "outcome"], registry=self.registry)
        self.agent_run_seconds = Histogram(
            "netra_agent_run_seconds",
            "How long an agent run took, from claim to stored answer.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
            registry=self.registry,
        )
        self.build_info = Gauge(
            "netra_build_info",
            "Always 1; says which build runs where.",
            ["environment", "release"],
            registry=self.registry,
        )
        self.tasks = Gauge(
            "netra_asyncio_tasks", "Tasks of the event loop, with the one that says so.", registry=self.registry
        )
        # With the process's start time, by which a restart is seen.
        ProcessCollector(registry=self.registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what alerts watch before it happens: a counter that appears with its first event has no increase."""
        self.closes.labels(*INTERNAL_ERROR)
        for status in HANDSHAKE_STATUSES:
            self.handshakes.labels(status)
        for outcome in AUTH_OUTCOMES:
            self.auth_attempts.labels(outcome)
