"""EP602: a request-scoped object made where there is no request."""

from __future__ import annotations

from envparity.audit.static.request_scoped import check
from tests.envparity.audit.conftest import Holds

MANAGERS = """
    class Manager:
        pass

    class Factory:
        def create(self) -> Manager:
            return Manager()
    """
SAID = {"request_scoped": frozenset({"Manager"}), "startup_modules": frozenset({"app.startup"})}


def test_at_import_it_is_found(holds: Holds) -> None:
    """At a top level, in a class body, as a default argument; directly and through what gives one."""
    source = """
        from app import managers
        from app.managers import Factory, Manager

        shared = Manager()  # !
        made = Factory().create()  # !

        if shared:
            other = managers.Manager()  # !

        class Service:
            manager = Manager()  # !

            def serve(self, manager=Manager()):  # !
                return manager
        """
    holds(check, {"app/managers.py": MANAGERS, "app/service.py": source}, code="EP602", **SAID)


def test_in_a_startup_module_it_is_found(holds: Holds) -> None:
    """Whatever the function; the factory is reached through what a type-indexed registry gives."""
    source = """
        from app.managers import Factory
        from app.services import Services

        class Validator:
            def __init__(self, services: Services) -> None:
                self._services = services

            def validate(self) -> object:
                limit, managers = 3, self._services.of(Factory)
                return managers.create()  # !
        """
    services = """
        from typing import TypeVar

        Service = TypeVar("Service")

        class Services:
            def of(self, kind: type[Service]) -> Service:
                return self.held[kind]
        """
    sources = {"app/managers.py": MANAGERS, "app/services.py": services, "app/startup.py": source}
    holds(check, sources, code="EP602", **SAID)


def test_with_a_request_it_is_not(holds: Holds) -> None:
    """A function of any other module, the class itself and its name, and a class of somebody else's by that name."""
    source = """
        from app.managers import Factory, Manager
        from elsewhere import Manager as Other

        kinds = {Manager: "manager"}
        factory = Factory()
        other = Other()

        def serve(factory: Factory) -> Manager:
            return factory.create() or Manager()

        later = lambda: Manager()
        """
    holds(
        check,
        {"app/managers.py": MANAGERS, "app/service.py": source},
        **SAID | {"request_scoped": frozenset({"app.managers.Manager"})},
    )


def test_where_no_type_is_named_nothing_is_told(holds: Holds) -> None:
    """The rule needs to be told which types belong to a request."""
    holds(
        check, {"app/managers.py": MANAGERS, "app/service.py": "from app.managers import Manager\nshared = Manager()\n"}
    )
