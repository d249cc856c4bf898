"""EP603: a blocking call in a coroutine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.source import FunctionInfo
from envparity.audit.static.reading import PackageReading, dotted_name, nodes_of, raised

__all__ = ["check"]

# What blocks by its nature, whatever it is given. Files are left out: nothing asynchronous reads them either.
_FUNCTIONS = frozenset(
    (
        "time.sleep",
        "asyncio.run",
        "subprocess.run",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "os.system",
        "os.wait",
        "os.waitpid",
        "os.wait4",
        "socket.create_connection",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "urllib.request.urlopen",
        "urllib.request.urlretrieve",
        "requests.get",
        "requests.post",
        "requests.put",
        "requests.patch",
        "requests.delete",
        "requests.head",
        "requests.request",
        "httpx.get",
        "httpx.post",
        "httpx.put",
        "httpx.patch",
        "httpx.delete",
        "httpx.head",
        "httpx.request",
        "httpx.stream",
        "psycopg.connect",
        "psycopg2.connect",
        "pymysql.connect",
        "MySQLdb.connect",
        "smtplib.SMTP",
        "smtplib.SMTP_SSL",
        "ftplib.FTP",
        "concurrent.futures.wait",
        "select.select",
    )
)
# Instances of these, made in the same function or kept in an attribute: every such method waits for somebody else.
_METHODS = {
    "threading.Thread": {"join"},
    "threading.Event": {"wait"},
    "threading.Condition": {"wait", "wait_for"},
    "threading.Barrier": {"wait"},
    "queue.Queue": {"join"},
    "subprocess.Popen": {"wait", "communicate"},
    "requests.Session": {"get", "post", "put", "patch", "delete", "head", "request", "send"},
    "httpx.Client": {"get", "post", "put", "patch", "delete", "head", "request", "send", "stream"},
    "redis.Redis": {
        "get",
        "set",
        "ping",
        "publish",
        "delete",
        "exists",
        "expire",
        "incr",
        "blpop",
        "brpop",
        "execute_command",
    },
    "asyncio.Runner": {"run"},
}
_LOOPS = {"asyncio.get_event_loop", "asyncio.new_event_loop", "asyncio.get_running_loop"}


def check(reading: PackageReading) -> Iterator[Raised]:
    """In every `async def`, its own calls and, one level deep, those of the package's plain functions that it calls."""
    for module in reading.package.modules.values():
        for function in module.everything:
            if isinstance(function.node, ast.AsyncFunctionDef):
                yield from _in_coroutine(reading, function)


def _in_coroutine(reading: PackageReading, function: FunctionInfo) -> Iterator[Raised]:
    scope = reading.scope(function.module, function)
    for node in nodes_of(function.node):
        if not isinstance(node, ast.Call) or isinstance(scope.module.parents.get(node), ast.Await):
            continue
        blocking = _blocks(scope, node)
        if blocking:
            yield raised("EP603", scope, node, f"{blocking}() in the coroutine {function.name}")
            continue
        called = scope.called(node)
        if called is None or isinstance(called.node, ast.AsyncFunctionDef) or _yields(called) or called.is_property():
            continue
        inner = reading.scope(called.module, called)
        for each_node in nodes_of(called.node):
            blocking = _blocks(inner, each_node) if isinstance(each_node, ast.Call) else ""
            if blocking:
                where = f"{called.module.name}:{getattr(each_node, 'lineno', 1)} {blocking}()"
                got = f"{called.name}() in the coroutine {function.name} blocks in {blocking}()"
                yield raised("EP603", scope, node, got, where)
                break


def _blocks(scope: Scope, call: ast.Call) -> str:
    """The full name of what blocks, or nothing."""
    named = scope.dotted(call.func)
    if named is not None:
        return named if named in _FUNCTIONS and not _asks_nobody(call) else ""
    if isinstance(call.func, ast.Name):
        is_input = call.func.id == "input" and scope.dotted(call.func) is None and not _is_bound(scope, "input")
        return "input" if is_input else ""
    if isinstance(call.func, ast.Attribute):
        method, owner = call.func.attr, call.func.value
        if method == "run_until_complete" and isinstance(owner, ast.Call) and scope.dotted(owner.func) in _LOOPS:
            return "loop.run_until_complete"
        kind = scope.type_of(owner)
        if kind is not None and method in _METHODS.get(kind, ()):
            return f"{kind}.{method}"
    return ""


def _asks_nobody(call: ast.Call) -> bool:
    """`getaddrinfo(…, AI_NUMERICHOST)` only reads an address: no resolver is asked (RFC 3493 §6.1)."""
    return any("AI_NUMERICHOST" in dotted_name(node) for node in ast.walk(call))


def _is_bound(scope: Scope, name: str) -> bool:
    module = scope.module
    return any(name in held for held in (module.bindings, module.names, module.functions, module.classes)) or any(
        isinstance(node, ast.arg) and node.arg == name for node in ast.walk(module.tree)
    )


def _yields(function: FunctionInfo) -> bool:
    """Whether it is a generator: calling it runs nothing of its body."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes_of(function.node))
