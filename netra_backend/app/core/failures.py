"""The failures that the backend knows by name.

`StartupFailure`         a step cannot be done; it carries a code, a component, a description and an action
    `FactoryViolation`   a request-scoped object was asked for without a request (also a ValueError)
`DependencyUnavailable`  PostgreSQL or Redis does not answer now; it may later
`DependencyRefused`      PostgreSQL or Redis answers, and will not have us; waiting will not help
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import redis.exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPENDENCY_UNREACHABLE = "DEPENDENCY_UNREACHABLE"
DEPENDENCY_REFUSED = "DEPENDENCY_REFUSED"
SETTINGS_INVALID = "SETTINGS_INVALID"
STEP_TIMEOUT = "STEP_TIMEOUT"
STEP_FAILED = "STEP_FAILED"
FACTORY_VIOLATION = "FACTORY_VIOLATION"
CHECK_FAILED = "CHECK_FAILED"
ORDER_REFUSED = "ORDER_REFUSED"


class Failure(NamedTuple):
    """Why the backend did not start: safe to show, specific, with what to do about it."""

    code: str
    component: str
    description: str
    action: str


class StartupFailure(Exception):
    """A startup step cannot be done. `component` is filled in by the sequencer where it is empty."""

    def __init__(self, code: str, description: str, action: str, component: str = "") -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.action = action
        self.component = component


class FactoryViolation(StartupFailure, ValueError):
    """A request-scoped object was asked for without the request that it belongs to."""

    def __init__(self, description: str) -> None:
        super().__init__(
            FACTORY_VIOLATION,
            description,
            "Make request-scoped objects per connection, through their factory, with a UserExecutionContext.",
        )


class DependencyUnavailable(Exception):
    """A dependency does not answer now. The same request may succeed later. `silent`: it said nothing in time."""

    def __init__(self, dependency: str, description: str, *, silent: bool = False) -> None:
        super().__init__(f"{dependency}: {description}")
        self.dependency = dependency
        self.description = description
        self.silent = silent


class DependencyRefused(Exception):
    """A dependency answers and refuses us: credentials, certificate, privilege. Waiting will not help."""

    def __init__(self, dependency: str, description: str) -> None:
        super().__init__(f"{dependency}: {description}")
        self.dependency = dependency
        self.description = description


# PostgreSQL says these while it starts, stops, or is full: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.QueryCanceledError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
)
_POSTGRES_REFUSING = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
# The first word of an error reply is Redis's own code: https://redis.io/docs/latest/develop/reference/protocol-spec/
_REDIS_PASSING = frozenset({"LOADING", "MASTERDOWN", "READONLY", "OOM", "BUSY", "TRYAGAIN", "MISCONF", "CLUSTERDOWN"})
_REDIS_REFUSING = frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"})


@contextmanager
def postgres_failures() -> Iterator[None]:
    """Turn what asyncpg and the socket raise into `DependencyUnavailable` or `DependencyRefused`; leave bugs alone."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise DependencyRefused("postgres", f"its certificate is not accepted: {error.verify_message}") from error
    except _POSTGRES_PASSING as error:
        raise DependencyUnavailable("postgres", f"no usable connection ({type(error).__name__})") from error
    except _POSTGRES_REFUSING as error:
        raise DependencyRefused("postgres", f"SQLSTATE {error.sqlstate} ({type(error).__name__})") from error
    except asyncpg.InterfaceError as error:
        if "clos" not in str(error):  # "connection is closed", "pool is closing"; else it is a call that we got wrong
            raise
        raise DependencyUnavailable("postgres", "the connection was closed") from error
    except TimeoutError as error:
        raise DependencyUnavailable("postgres", "no answer in time", silent=True) from error
    except (OSError, EOFError) as error:
        if "rejected SSL upgrade" in str(error):
            raise DependencyRefused("postgres", "it does not speak TLS, which sslmode asks for") from error
        raise DependencyUnavailable("postgres", f"no connection ({type(error).__name__})") from error


@contextmanager
def redis_failures() -> Iterator[None]:
    """Turn what redis-py and the socket raise into `DependencyUnavailable` or `DependencyRefused`; leave bugs alone."""
    try:
        yield
    except (redis.exceptions.AuthenticationError, redis.exceptions.AuthorizationError) as error:
        raise DependencyRefused("redis", f"credentials refused ({type(error).__name__})") from error
    except redis.exceptions.NoPermissionError as error:
        raise DependencyRefused("redis", "it answers NOPERM") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        if (refusal := _certificate_refusal(error)) is not None:
            raise DependencyRefused("redis", f"its certificate is not accepted: {refusal}") from error
        raise DependencyUnavailable("redis", f"no connection ({type(error.__cause__ or error).__name__})") from error
    except redis.exceptions.ResponseError as error:
        code = str(error).partition(" ")[0]
        if code in _REDIS_PASSING:
            raise DependencyUnavailable("redis", f"it answers {code}") from error
        if code in _REDIS_REFUSING:
            raise DependencyRefused("redis", f"it answers {code}") from error
        raise
    except TimeoutError as error:
        raise DependencyUnavailable("redis", "no answer in time", silent=True) from error
    except OSError as error:
        raise DependencyUnavailable("redis", f"no connection ({type(error).__name__})") from error


def _certificate_refusal(error: BaseException) -> str | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        seen = seen.__cause__ or seen.__context__
    return None
