"""The interpreter of the backend's own image imports, in a container that leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.audit.audit import audit
from envparity.audit.image import image_starter
from envparity.audit.target import find_target
from envparity.launch.container.engine import Engine
from parity_tests.faults.catalogue import apply_to_copy, read_fault

pytestmark = pytest.mark.docker

_FAULT = Path(__file__).parents[3] / "parity_tests" / "faults" / "F01-import-time-manager.patch"


def test_a_fault_is_found_in_the_image(tmp_path: Path) -> None:
    """At the same line as with a local interpreter, named by its local path; and the container is gone."""
    root = apply_to_copy(read_fault(_FAULT), tmp_path)
    target = find_target(None, root / "netra_backend" / "backend.toml")
    assert target.backend is not None
    with image_starter(target.backend) as start:
        report = audit(target, start=start, elsewhere=True, examples=0)
    (found,) = report.findings
    assert (found.code, Path(found.path).is_file()) == ("EP663", True)
    assert "authentication_service = " in Path(found.path).read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert report.interpreter.startswith("3.")
    engine = Engine()
    try:
        assert not engine.client.containers.list(all=True, filters={"label": "io.envparity.model.case=audit"})
    finally:
        engine.close()
