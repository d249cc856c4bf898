"""EP211–216: what depends on the order, of initialisation or of the dependencies, and must not."""

from __future__ import annotations

from envparity.judge import dependency_checks, order_checks
from envparity.judge.rules import Conduct, Rule, parity

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = (
    parity(
        "EP211",
        "startup report depends on the order",
        Conduct("orders", "startup", causes="orders"),
        means="""
            Booted in an order that its own graph allows, the backend passed its startup, and its report, normalised,
            is not the one of the canonical order in the same environment. The order itself, the sequence of the steps
            and the setting that asks for it do not count; declared differences are between environments, not between
            orders.
        """,
        matters="""
            Two steps share something that the graph does not know of. The order is another one as soon as a step is
            added or a dependency is slow, and then what the report shows here is what users get.
        """,
        action="""
            See which step makes what differs and which one changes it; declare the requirement between the two, or
            take away what they share.
        """,
        example="""
            report.checks.message_handlers:registered: as in the canonical order: observed 3, got observed 0.
            staging: 5 of 21 orders show it.
        """,
        check=order_checks.report_depends_on_order,
    ),
    parity(
        "EP212",
        "startup verdict depends on the order",
        Conduct("orders", "startup and conversations", causes="orders"),
        means="""
            Startup passes in the canonical order; in another one that the graph allows, in the same environment, it
            fails, does not end, or takes the process with it. The finding names the component that failed, quotes the
            failure, and shows what the first client that connected was told.
        """,
        matters="""
            The graph promises that any of its orders will do. Which of them is run can differ between environments and
            releases, and nobody sees that it did.
        """,
        action="""
            Find what the failing component uses that another step makes, and let it require that step; the orders
            quoted here are ones that fail.
        """,
        example="""
            auth_service: FACTORY_VIOLATION: a WebSocket manager was asked for without a user context.
            The client was told: error frame {"code": "startup_failed", …}, close 1013 startup_failed:auth_service
        """,
        check=order_checks.verdict_depends_on_order,
    ),
    parity(
        "EP213",
        "conversation depends on the order",
        Conduct("orders", "its conversations", causes="orders"),
        means="""
            Startup passes, and a scenario that keeps to its script in the canonical order leaves it in another one that
            the graph allows, or goes differently, in the same environment.
        """,
        matters="""
            This is the defect that startup validation does not see: the backend says that it is well, and what its
            clients get depends on which step happened to run first.
        """,
        action="""
            Look at what the part that answers here was given when it was started, and let its step require the one
            that makes it; then let startup validation ask for it.
        """,
        example="in_any_order: expected agent_completed, got error internal; local: 11 of 21 orders show it.",
        check=order_checks.conversation_depends_on_order,
    ),
    parity(
        "EP214",
        "forbidden order accepted",
        Conduct("orders", "startup and conversations", denies_expected=True),
        means="""
            The backend was asked for an order in which a step stands before one that it requires, or that names a step
            that there is not, or one step twice. It started all the same, ran the steps so, or failed without saying
            what is wrong.
        """,
        matters="""
            An order that is taken without a question breaks in a place that has nothing to do with it; one that is
            put right in silence is not the order that somebody believes to have tested.
        """,
        action="Check the order that was asked for against the graph before the first step, and fail by name.",
        example="message_handlers stands before message_router, which it requires; got startup passed.",
        check=order_checks.forbidden_order_accepted,
    ),
    parity(
        "EP215",
        "dependency order matters",
        Conduct("orders", "startup and conversations"),
        means="""
            Every dependency was reachable in the end, in some order, before or after the backend was started; and the
            backend is not ready with the report and the conversation of the canonical boot, nor did it fail with a
            component and a code. How long and how often it waited does not count. A dependency that was late, or was
            taken away again, may be named as the reason; where none was, failing is wrong too.
        """,
        matters="""
            On a cold start nobody decides who comes first. A backend that hangs, or comes up half, does so on the
            morning on which everything is started at once.
        """,
        action="""
            Let the step that needs the dependency ask again until its own deadline, and fail by name after it; let
            nothing keep what it found at its first attempt.
        """,
        example="""
            when they come so: backend, redis, postgres: expected ready in the end; got still starting, waiting for
            postgres, after 30 s
        """,
        check=dependency_checks.dependency_order_matters,
    ),
    parity(
        "EP216",
        "served before ready",
        Conduct("orders", "its conversations"),
        means="""
            While something that the backend needs was still out of reach, a client connected, and was not told what the
            script of that scenario says: it was accepted, answered, closed with another code, or left without a word.
        """,
        matters="""
            The first second of a cold start is when everybody comes back. A client that is let in before the parts are
            there gets 1011, and gives up; one that is told 1013 comes again.
        """,
        action="""
            Ask whether startup has passed before anything else is done with a connection, and refuse with an error
            frame and 1013 until it has.
        """,
        example="expected an error frame, then close 1013 starting; got close 1011 Internal error.",
        check=dependency_checks.served_before_ready,
    ),
)
