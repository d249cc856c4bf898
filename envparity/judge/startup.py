"""EP101–107: how the backend started, and whether what it says of that can be believed."""

from __future__ import annotations

from envparity.judge import program_checks
from envparity.judge import startup_checks as checks
from envparity.judge.rules import Conduct, Rule, contract

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = (
    contract(
        "EP101",
        "startup validation failed",
        Conduct("startup", "conversations cut off", 3, fails_startup=True, causes="hybrids", joins=False),
        means="""
            The backend booted as this environment boots it, with every dependency in reach, and reported that its
            startup failed. The finding names the component, quotes the failure with the backend's own description
            and action, and shows what the first client that connected was told.
        """,
        matters="""
            Nobody can use the backend in this environment. Conversations that failed only because of this are not
            reported one by one: they are counted in the evidence.
        """,
        action="Do what the quoted failure says; it stands in the startup report of the environments named here.",
        example="""
            auth_service: FACTORY_VIOLATION: a WebSocket manager was asked for at import, without a user context.
            The client was told: error frame {"code": "FACTORY_VIOLATION", …}, close 1013 startup_failed:auth_service
        """,
        check=checks.startup_failed,
    ),
    contract(
        "EP102",
        "health disagrees with startup",
        Conduct("startup", causes="hybrids", joins=False),
        means="""
            The liveness path does not answer 200 although the process runs, or readiness or the startup report is
            served with a status code that contradicts the report: 200 belongs to pass, 503 to everything else.
        """,
        matters="""
            Platforms look at the code alone. A backend that says 200 while its startup failed gets traffic; one whose
            liveness fails is killed and started again, and takes its startup report with it.
        """,
        action="Take all status codes from the one startup report, and keep liveness free of checks.",
        example="/health/ready answers 200, and the startup report says fail.",
        check=checks.health_disagrees,
    ),
    contract(
        "EP103",
        "startup failure hidden from the client",
        Conduct("startup", "its conversations", 6, causes="hybrids", joins=False),
        means="""
            Startup failed, and a client that connected was not told: it must get an error frame and then close 1013
            (try again later, RFC 6455 registry) with a reason that names the component.
        """,
        matters="""
            A client that sees 1011, a bare HTTP error or silence cannot tell a bug from a backend that is not there
            yet, and whoever reads its log looks in the wrong place.
        """,
        action="Answer every connection with the startup failure first, by code that needs nothing that startup makes.",
        example="Expected an error frame, then close 1013 startup_failed:postgres; got close 1011 Internal error.",
        check=checks.startup_hidden,
    ),
    contract(
        "EP104",
        "startup passed without a dependency",
        Conduct("startup", "conversations", 5, causes="hybrids", joins=False),
        means="""
            A dependency could not be reached for as long as this boot lasted, and the backend said that its startup
            passed, or that it is ready.
        """,
        matters="A failure that is logged and passed over shows up later, as errors of everything that needed it.",
        action="Let the step that needs the dependency fail, and let nothing turn that failure into a pass.",
        example="postgres down: startup says pass and /health/ready answers 200.",
        check=checks.started_without_dependency,
    ),
    contract(
        "EP105",
        "backend ended",
        Conduct("startup", "startup and conversations cut off", 2, causes="hybrids", joins=False),
        means="""
            The process exited, or was killed for want of memory, while it should have run. A replica that a scenario
            stopped on purpose does not count. A failed startup is no reason to exit: the process stays up and says why.
        """,
        matters="The platform starts it again and again, and its startup report is gone each time.",
        action="Read the end of the log quoted here; for want of memory, look at platform.memory_mib.",
        example="ended with exit code 1; ModuleNotFoundError: No module named 'netra_backend.app.agents'",
        check=checks.process_ended,
    ),
    contract(
        "EP106",
        "startup undecided",
        Conduct("startup", "conversations cut off", 4, fails_startup=True, causes="hybrids", joins=False),
        means="Within phases.boot_s seconds the backend's startup had neither passed nor failed, and it still ran.",
        matters="A startup without an end is neither routed to nor restarted, and nobody is told why.",
        action="Give every startup step a deadline of its own, shorter than phases.boot_s, and let it fail by name.",
        example="still starting, waiting for postgres; step postgres running after 30 s",
        check=checks.startup_undecided,
    ),
    contract(
        "EP107",
        "startup report broken",
        Conduct("startup", causes="hybrids", joins=False),
        means="""
            The startup report is missing or cannot be read, or contradicts itself: a step ran before one that it
            requires, or although that one failed; order and steps disagree; a failure lacks its component or code;
            the status is not what steps, checks and failures say.
        """,
        matters="Every other verdict on the startup rests on this report.",
        action="Make the report from the sequencer's own records; if the shape is meant, map it under [report].",
        example="step auth_service ran before token_revocation, which it requires",
        check=checks.report_broken,
    ),
    contract(
        "EP108",
        "request-scoped object made before the first connection",
        Conduct("startup", causes="hybrids", confirm="nothing", joins=False),
        means="""
            Between its start and the first connection the backend made an object of a type that its file calls
            request-scoped ([audit] request_scoped). Seen in warm boots, where every object of such a type is watched.
        """,
        matters="""
            What is made without a request is shared by all of them, or belongs to nobody: the incident began with a
            WebSocket manager that was made at import.
        """,
        action="Make it per connection, through its factory; let startup ask whether the factory is there.",
        example="WebSocketManager made in __init__ at unified_authentication_service:61",
        check=checks.made_before_connection,
    ),
    contract(
        "EP109",
        "job failed",
        Conduct("startup", "startup and conversations", 1, causes="hybrids", joins=False),
        means="""
            A job that runs once before the backend starts, such as a migration, ended with another exit code than 0, or
            had not ended in its time. The backend was started all the same, and no job after that one was run.
        """,
        matters="What the job should have made is not there: what the backend then does follows from that.",
        action="Read the end of the job's log quoted here.",
        example="job migrate: ended with exit code 1; relation 'users' already exists",
        check=program_checks.job_failed,
    ),
    contract(
        "EP110",
        "process not running",
        Conduct("startup", "startup and conversations", 1, causes="hybrids", joins=False),
        means="""
            A further program of the backend ([processes.NAME], such as a worker) had ended by the end of the boot, with
            whatever exit code, or had not written within its time what says that it is there.
        """,
        matters="What it should do is done by nobody, and the health of the backend says nothing of it.",
        action="Read the end of its log quoted here.",
        example="process worker: ended with exit code 1; no module named 'app.tasks'",
        check=program_checks.program_ended,
    ),
)
