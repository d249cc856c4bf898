"""One run for each fault, shared by the tests that ask what it showed."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity_tests.faults.catalogue import CATALOGUE, ORDER_CATALOGUE, Fault, apply_to_copy, in_a_haystack
from parity_tests.faults.verdicts import COVERING_SET, Ran, run_on


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tested, without any fault."""
    return apply_to_copy(None, tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session", params=CATALOGUE, ids=lambda fault: fault.id)
def run_of_fault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fault, Ran]:
    """A fault of the catalogue, and what the suite says of the tree with it."""
    fault: Fault = request.param
    folder = tmp_path_factory.mktemp(fault.id)
    tree = apply_to_copy(fault, folder / "tree")
    if fault.haystack:
        in_a_haystack(fault, tree)
    ran = run_on(tree, folder / "runs", environments=fault.environments, only=fault.plays, causes=True)
    return fault, ran


@pytest.fixture(scope="session", params=ORDER_CATALOGUE, ids=lambda fault: fault.id)
def orders_of_fault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fault, Ran]:
    """The same of a fault that shows in some orders only, with all the orders of the covering set."""
    fault: Fault = request.param
    folder = tmp_path_factory.mktemp(fault.id)
    tree = apply_to_copy(fault, folder / "tree")
    return fault, run_on(tree, folder / "runs", only=("conversation",), orders=COVERING_SET)
