"""EP611: a setting that nothing reads."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from envparity.audit.finding import Raised
from envparity.audit.scope import Scope
from envparity.audit.source import ClassInfo, FunctionInfo, Module, dotted_name
from envparity.audit.static.reading import PackageReading, nodes_of, raised, scopes

__all__ = ["check"]

_BASE = "BaseSettings"
_NO_FIELDS = frozenset({"model_config"})
_NEVER = "ClassVar"
_OF_A_FRAMEWORK = frozenset({"INSTALLED_APPS", "ROOT_URLCONF"})
# What hands on every setting at once, or asks for one whose name is made elsewhere.
_WHOLE_METHODS = frozenset({"model_dump", "model_dump_json", "dict", "json"})
_WHOLE_ATTRIBUTES = frozenset({"__dict__", "model_fields", "__fields__"})
_WHOLE_FUNCTIONS = frozenset({"vars", "dict", "dir", "iter", "asdict", "astuple"})
_LOADERS = frozenset({"from_object", "from_pyfile", "from_mapping", "config_from_object"})
_NAMESPACES = frozenset({"globals", "locals"})
_CALLED_SO = frozenset({"config", "configuration", "conf", "cfg"})


@dataclass(frozen=True)
class _Declared:
    """A setting: its name in the code, where it is declared, and the statement that does it."""

    name: str
    scope: Scope
    node: ast.stmt
    is_field: bool


class _Whole(Enum):
    """What is taken as a whole: an object with all its fields, or whatever is called settings, a module as well."""

    OBJECT = auto()
    ALL = auto()


def check(reading: PackageReading) -> Iterator[Raised]:
    """Every field of a settings class, and every name that a settings module reads from the environment.

    Of a name that is spelled anywhere nothing is told, whatever object it is asked of, nor of any where something takes
    the settings as a whole, but for the functions that only tell of them. Where no settings modules are named, nothing
    can be told.
    """
    modules = [module for module in reading.package.modules.values() if reading.is_settings(module)]
    declared = [setting for module in modules for setting in _declared(reading, module)]
    taken = {*_taken_whole(reading)} if declared else set()
    declared = [] if _Whole.ALL in taken else [setting for setting in declared if not (setting.is_field and taken)]
    spelled: defaultdict[str, list[ast.AST]] = defaultdict(list)
    for module in reading.package.modules.values() if declared else ():
        for name, node in _spelled(module):
            spelled[name].append(node)
    for setting in declared:
        own = {*map(id, ast.walk(setting.node))}
        found = (*spelled.get(setting.name, ()), *spelled.get(setting.name.upper(), ()))
        if all(id(node) in own for node in found):
            got = f"nothing in {reading.package.name} reads {setting.name}"
            yield raised("EP611", setting.scope, setting.node, got)


def _declared(reading: PackageReading, module: Module) -> Iterator[_Declared]:
    scope = reading.scope(module)
    for info in module.classes.values():
        if _is_settings_class(reading, info):
            yield from (_Declared(name, scope, node, is_field=True) for name, node in _fields(info.node))
    if _OF_A_FRAMEWORK & module.bindings:  # which reads what it likes
        return
    for node in module.tree.body:
        target = _target(node)
        if target is not None and any(reading.reads_environment(scope, each)[0] for each in ast.walk(node)):
            yield _Declared(target.id, scope, node, is_field=False)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.stmt]]:
    for statement in node.body:
        target = _target(statement)
        if target is None or not isinstance(statement, ast.AnnAssign):
            continue
        is_field = _NEVER not in ast.dump(statement.annotation)
        if is_field and not target.id.startswith("_") and target.id not in _NO_FIELDS:
            yield target.id, statement


def _target(node: ast.stmt) -> ast.Name | None:
    """The one name that a statement assigns; None where it is no such statement."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return targets[0] if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _is_settings_class(reading: PackageReading, info: ClassInfo) -> bool:
    """Whether it is filled from the environment, itself or by a base: one called so of somebody else's."""
    return any(
        reading.package.class_of(reading.scope(kind.module).dotted(base)) is None
        and dotted_name(base).rpartition(".")[2] == _BASE
        for kind in reading.scope(info.module).names.lineage(info)
        for base in kind.node.bases
    )


def _spelled(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """The names that are asked of something, or stand in a text, but where a field is named to be validated."""
    validated = {id(node) for function in module.everything for node in _in_decorators(function)}
    for node in module.parents:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
            yield node.attr, node
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id, node
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in validated:
            yield node.value, node
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2], node
        elif isinstance(node, ast.MatchClass):
            yield from ((name, node) for name in node.kwd_attrs)


def _in_decorators(function: FunctionInfo) -> Iterator[ast.AST]:
    if function.owner is not None:
        for decorator in function.node.decorator_list:
            yield from ast.walk(decorator)


def _taken_whole(reading: PackageReading) -> Iterator[_Whole]:
    """What of the settings something takes as a whole, or by a name that is made elsewhere, and does not only tell."""
    for scope, body in scopes(reading):
        if not reading.tells_of_settings(scope.function):
            for node in nodes_of(body):
                held, whole = _taken_by(reading, scope, node)
                if whole is not None and (held is None or _holds_settings(reading, scope, held)):
                    yield whole


def _taken_by(reading: PackageReading, scope: Scope, node: ast.AST) -> tuple[ast.expr | None, _Whole | None]:
    """What the node takes as a whole, if that is settings, and which (None: nothing); without an object it is all."""
    if isinstance(node, ast.Call):
        return _taken_by_call(node, in_settings=reading.is_settings(scope.module))
    if isinstance(node, ast.Attribute) and node.attr in _WHOLE_ATTRIBUTES:
        return node.value, _Whole.ALL if node.attr == "__dict__" else _Whole.OBJECT
    if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name | ast.Attribute):
        return node.iter, _Whole.OBJECT if _is_of_settings(reading, scope, node.iter) else None
    return None, None


def _taken_by_call(call: ast.Call, *, in_settings: bool) -> tuple[ast.expr | None, _Whole | None]:
    last = dotted_name(call.func).rpartition(".")[2] or getattr(call.func, "attr", "")
    if last in _LOADERS or (last in _NAMESPACES and in_settings):
        return None, _Whole.ALL
    if isinstance(call.func, ast.Attribute) and last in _WHOLE_METHODS:
        return call.func.value, _Whole.OBJECT
    by_a_name = last == "getattr" and len(call.args) > 1 and not isinstance(call.args[1], ast.Constant)
    if call.args and (by_a_name or last in _WHOLE_FUNCTIONS):
        return call.args[0], _Whole.ALL
    return None, None


def _holds_settings(reading: PackageReading, scope: Scope, node: ast.expr) -> bool:
    """Whether that may be the settings: by its type, or where nobody can tell that, by what it is called."""
    certain = _is_of_settings(reading, scope, node)
    if certain is not None:
        return certain
    last = dotted_name(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2].lower()
    return last.endswith("settings") or last.removeprefix("get_").strip("_") in _CALLED_SO


def _is_of_settings(reading: PackageReading, scope: Scope, node: ast.expr) -> bool | None:
    """Whether that is a settings class, or an object of one; None where nobody can tell."""
    named = scope.names.class_named(node) or reading.package.class_of(scope.type_of(node))
    return None if named is None else _is_settings_class(reading, named)
