"""One run for each fault, shared by the tests that ask what it showed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # it has no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from parity_tests.faults.catalogue import (
    CATALOGUE,
    ORDER_CATALOGUE,
    Fault,
    apply_to_copy,
    in_a_haystack,
)
from parity_tests.faults.turns import (
    environments_of,
    in_containers,
    in_depth,
    in_depth_of_turn,
    judged,
    launcher_of,
)
from parity_tests.faults.verdicts import COVERING_SET, Ran, run_on

RunFault = Callable[[Fault], Ran]


class ByFault(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Gives all that is asked of one fault to the worker that has made its run."""

    def _split_scope(self, nodeid: str) -> str:
        found = re.search(r"\[(F\d+)\]$", nodeid)
        return nodeid if found is None else found[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFault:
    """Who runs which test where there are several workers."""
    return ByFault(config, log)


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tested, without any fault."""
    return apply_to_copy(None, tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def run_fault(tmp_path_factory: pytest.TempPathFactory) -> RunFault:
    """What the suite says of the tree with a fault: booted when it is first asked for, and remembered."""
    known: dict[str, Ran] = {}

    def run(fault: Fault) -> Ran:
        if fault.id not in known:
            folder = tmp_path_factory.mktemp(fault.id)
            tree = apply_to_copy(fault, folder / "tree")
            if fault.haystack:
                in_a_haystack(fault, tree)
            orders = fault.needs == "orders"
            known[fault.id] = run_on(
                tree,
                folder / "runs",
                environments=environments_of(fault),
                only=("conversation",) if orders else fault.plays,
                orders=COVERING_SET if orders else None,
                causes=in_depth(fault) and not orders,
                launcher=launcher_of(fault),
                thorough=fault.thorough,
            )
        return known[fault.id]

    return run


@pytest.fixture(scope="session", params=judged(CATALOGUE), ids=lambda fault: fault.id)
def run_of_fault(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """A fault of the catalogue, and what the suite says of the tree with it."""
    fault: Fault = request.param
    return fault, run_fault(fault)


@pytest.fixture(scope="session", params=in_depth_of_turn(CATALOGUE), ids=lambda fault: fault.id)
def run_in_depth(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """A fault that is judged in all its environments, with its cause."""
    fault: Fault = request.param
    return fault, run_fault(fault)


@pytest.fixture(scope="session", params=judged(ORDER_CATALOGUE), ids=lambda fault: fault.id)
def orders_of_fault(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """The same of a fault that shows in some orders only, with all the orders of the covering set."""
    fault: Fault = request.param
    return fault, run_fault(fault)


@pytest.fixture(scope="session", params=in_depth_of_turn(ORDER_CATALOGUE), ids=lambda fault: fault.id)
def orders_in_depth(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """A fault of an order that is judged in every environment."""
    fault: Fault = request.param
    return fault, run_fault(fault)


@pytest.fixture(scope="session", params=in_containers(CATALOGUE), ids=lambda fault: fault.id)
def run_in_containers(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """A fault that is booted in containers."""
    fault: Fault = request.param
    return fault, run_fault(fault)


@pytest.fixture(scope="session", params=in_containers(ORDER_CATALOGUE), ids=lambda fault: fault.id)
def orders_in_containers(request: pytest.FixtureRequest, run_fault: RunFault) -> tuple[Fault, Ran]:
    """A fault of an order that is booted in containers."""
    fault: Fault = request.param
    return fault, run_fault(fault)
