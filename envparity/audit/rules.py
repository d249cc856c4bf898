"""The rules of the audit: EP601 and on are read from the source, EP651 and on seen when modules are imported."""

from __future__ import annotations

from textwrap import dedent, wrap

from envparity.audit.finding import AuditRule

__all__ = ["BY_CODE", "RULES", "STATIC"]

_WIDTH = 88


def _rule(code: str, title: str, *, means: str, matters: str, action: str, example: str) -> AuditRule:
    parts = [("What it means", [means]), ("Why it matters", [matters]), ("What to do", [action])]
    parts.append(("Example", dedent(example).strip().splitlines()))
    described = "\n\n".join(
        "\n".join([heading, *(row for text in texts for row in wrap(" ".join(text.split()), _WIDTH))])
        for heading, texts in parts
    )
    return AuditRule(code, title, described, action)


STATIC: tuple[AuditRule, ...] = (
    _rule(
        "EP601",
        "A branch on the environment's name",
        means="Outside the settings, code compares the environment's name with a literal, looks something up by it, "
        "or asks something that the settings derive from it.",
        matters="Such code runs in one environment only, and in none that is tested: staging is where it runs first.",
        action="Give what differs a setting with a name of its own, and branch on that. The environment's name is a "
        "label for logs and metrics.",
        example="""
        routes/websocket.py:35: settings.environment == "staging"
        """,
    ),
    _rule(
        "EP602",
        "A request-scoped object made without a request",
        means="A type that the backend file calls request-scoped is made at a module's top level, in a class body, in "
        "a default argument, or by a startup module.",
        matters="What belongs to one request is then there before any, is shared by all, or fails for want of a user.",
        action="Make it through its factory when there is a request. A check asks whether the factory is there, and "
        "makes nothing.",
        example="""
        core/startup_validation.py:139: WebSocketManagerFactory.create() gives a WebSocketManager, in a startup module
        """,
    ),
    _rule(
        "EP603",
        "A blocking call in a coroutine",
        means="A coroutine calls, itself or through one plain function of the package, what blocks the thread until it "
        "is done.",
        matters="Nothing else runs meanwhile: probes time out, heartbeats stop, every other connection hangs.",
        action="Await the asynchronous counterpart, or hand the call to a thread (asyncio.to_thread).",
        example="""
        cache/redis_link.py:51: time.sleep() in the coroutine ping
        """,
    ),
    _rule(
        "EP604",
        "A coroutine that nobody awaits",
        means="A coroutine function of the package is called, and its result is dropped, or is used as if it were what "
        "the coroutine returns.",
        matters="The body never runs. Fakes in tests hide it; the first real request does not.",
        action="Await it, or make a task of it and keep the task.",
        example="""
        websocket_core/conversation.py:151: the coroutine WebSocketManagerFactory.create is not awaited: it is passed
        to opened(manager: WebSocketManager)
        """,
    ),
    _rule(
        "EP605",
        "A startup failure that is swallowed",
        means="In a startup module, a broad except around a step does nothing but go on, the list of failures is "
        "emptied, or a setting decides whether a failure is raised.",
        matters="The backend says that it is up, and is not: the failure comes back later as something else.",
        action="Record the failure so that startup does not pass, or raise it. No setting makes a failure pass.",
        example="""
        core/startup.py:112: self.failures.clear() forgets what failed
        """,
    ),
    _rule(
        "EP606",
        "A setting read outside the settings",
        means="A module that the backend file does not name among settings_modules reads the process's environment.",
        matters="The same setting is read in two places, under two names, at two moments, with two defaults.",
        action="Read it where all settings are read, and pass the value on.",
        example="""
        services/tokens.py:9: os.environ["JWT_SECRET_STAGING"]
        """,
    ),
    _rule(
        "EP607",
        "An environment's name by default",
        means="Where the variable with the environment's name is not set, a name is made up for it.",
        matters="A platform that sets another variable is then taken for a developer's machine, and told to use "
        "localhost.",
        action="Require the variable: a backend that does not know where it is says so and does not start.",
        example="""
        settings.py:140: environment = "development" by default
        """,
    ),
    _rule(
        "EP608",
        "An exemption that is none",
        means="A comment `# envparity: allow CODE because …` gives no reason, names no rule, or allows what is no "
        "finding any more.",
        matters="What is allowed without a reason is allowed for ever; what is allowed in vain hides the next one.",
        action="Give the reason behind `because`, or remove the comment.",
        example="""
        app/main.py:14: allows EP658, which does not occur here
        """,
    ),
    _rule(
        "EP609",
        "An await of what is no coroutine",
        means="A function of the package is called that is no coroutine function and gives nothing to await, and its "
        "result is awaited.",
        matters="It raises a TypeError when it runs; and what runs for who comes back only, or only after a failure, "
        "runs in no test.",
        action="Remove the await, or make the function a coroutine function.",
        example="""
        services/auth.py:61: Auth._still_good is no coroutine function: it gives Identity
        """,
    ),
    _rule(
        "EP610",
        "A task made in a constructor",
        means="A constructor makes a task of asyncio.",
        matters="The object cannot be made where no event loop runs, as at import or in a test, and nobody awaits the "
        "task: what it raises is lost, and it outlives whoever made the object.",
        action="Make the task where the object is started, keep it, and cancel it where the object is closed.",
        example="""
        cache/bus.py:31: EventBus makes a task when it is made
        """,
    ),
    _rule(
        "EP611",
        "A setting that nothing reads",
        means="A field of a settings class, or a name that a settings module reads from the environment, is "
        "spelled nowhere else in the package: neither asked of an object nor in a text. Where something takes the "
        "settings as a whole nothing is told, but for the functions that the backend file names as settings_tellers.",
        matters="Each environment's file gives it a value, and none has an effect: where it was used stands a "
        "constant, mostly the one that is right on a developer's machine.",
        action="Use it where the constant is, or remove it from the settings and from every environment. What only a "
        "library reads, from the environment itself, needs no name here.",
        example="""
        settings.py:164: nothing in netra_backend reads websocket_auth_timeout_s
        """,
    ),
)


def _effect(  # noqa: PLR0917  fifteen times in the same order, which reads like a table
    code: str, title: str, means: str, matters: str, action: str, example: str
) -> AuditRule:
    return _rule(code, title, means=f"Importing a module {means}.", matters=matters, action=action, example=example)


_LATER = (
    "Do it when the application is made or started, in a function that is called for it; not where a module is defined."
)
_ANYWHERE = "Every importer pays for it and can fail by it: tests, tools, workers."

DYNAMIC: tuple[AuditRule, ...] = (
    _effect(
        "EP651",
        "A connection at import",
        "connects to somewhere, or opens a database",
        "Where the other side is late, or elsewhere, the import fails: before any startup report can say so.",
        _LATER,
        "db/pool.py:8: socket.connect 10.0.0.5:5432",
    ),
    _effect(
        "EP652",
        "A listening socket at import",
        "binds a socket",
        "A second process, or a test, cannot import the module while the first one lives.",
        _LATER,
        "metrics.py:12: socket.bind 0.0.0.0:9000",
    ),
    _effect(
        "EP653",
        "A name looked up at import",
        "asks the resolver for an address",
        "Where the name is not known, in a build or a test, the import hangs or fails.",
        _LATER,
        "cache.py:5: socket.getaddrinfo redis.internal",
    ),
    _effect(
        "EP654",
        "A process started at import",
        "runs another program, or forks",
        "The program is not in every image, and nobody waits for it or cleans up after it.",
        _LATER,
        "version.py:4: subprocess.Popen git",
    ),
    _effect(
        "EP655",
        "A thread or task at import",
        "starts a thread or a task",
        "A server that forks after importing has it in the parent only; whoever only looks at the module has it too.",
        _LATER,
        "heartbeat.py:20: thread beater",
    ),
    _effect(
        "EP656",
        "An event loop at import",
        "makes an event loop, or runs one",
        "It is not the loop that the server will run; what is bound to it hangs.",
        _LATER,
        "bus.py:9: event loop",
    ),
    _effect(
        "EP657",
        "A file written at import",
        "writes, makes or removes a file or folder",
        "On a read-only root, as staging has it, the import fails.",
        _LATER,
        "logs.py:7: os.mkdir /var/log/netra",
    ),
    _effect(
        "EP658",
        "The environment read at import",
        "reads environment variables",
        "The value is that of the moment of the import, before the settings were loaded or checked.",
        "Read it where all settings are read, when the application is made.",
        "services/tokens.py:9: JWT_SECRET",
    ),
    _effect(
        "EP659",
        "The environment changed at import",
        "sets or removes environment variables",
        _ANYWHERE,
        _LATER,
        "app/__init__.py:3: putenv TOKENIZERS_PARALLELISM",
    ),
    _effect(
        "EP660",
        "A signal handler at import",
        "sets a signal handler or a timer",
        "It replaces the server's own, so that SIGTERM no longer drains; and it fails outside the main thread.",
        _LATER,
        "shutdown.py:11: signal.signal",
    ),
    _effect(
        "EP661",
        "An identity made at import",
        "takes randomness or the time of day for a value of the module",
        "Processes forked from one import share it, and processes started apart do not: neither is what the name says.",
        "Make it when the application is made, and keep it there.",
        "instance.py:6: uuid4",
    ),
    _effect(
        "EP662",
        "A warning at import",
        "warns",
        "With warnings as errors the import fails; without, the next release of what it warns of makes it fail.",
        "Do what the warning says.",
        "models.py:31: DeprecationWarning: Support for class-based config is deprecated",
    ),
    _effect(
        "EP663",
        "A request-scoped object made at import",
        "makes an object of a type that is request-scoped",
        "There is no request yet, and no user: its factory's rule is broken, or the object is shared by all.",
        "Make it through its factory when there is a request; a module-level service makes none when it is made.",
        "services/unified_authentication_service.py:80: WebSocketManager",
    ),
    _effect(
        "EP664",
        "A module that cannot be imported",
        "on its own, first in a fresh interpreter, raises, exits or hangs",
        "Whoever imports it first fails, at the earliest moment, with nobody there to say why.",
        "See what is raised. If it is a circular import, move what both need into a third module.",
        "agents/registry.py:12: ImportError: cannot import name 'Supervisor' from partially initialized module",
    ),
    _effect(
        "EP665",
        "An outcome by order of import",
        "after another one gives something else than importing it first",
        "It works by luck: another entry point, another test order, a sorted import block, and it does not.",
        "Remove the circle, or what one module changes in the other: each must be whole on its own.",
        "app.models: after app.registry it defines other names than before",
    ),
)

RULES: tuple[AuditRule, ...] = (*STATIC, *DYNAMIC)
BY_CODE = {rule.code: rule for rule in RULES}
