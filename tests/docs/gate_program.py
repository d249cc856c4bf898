"""`envparity` as it is, but for what boots, builds or connects: the verdict is made up, about the image asked for."""

from __future__ import annotations

import os
import sys
from typing import Any

from click.testing import CliRunner

from envparity.engine.events import RunFinished, RunStarted
from envparity.engine.session import engine
from envparity.faces.cli.app import app
from envparity.judge.finding import Finding, Verdict
from envparity.launch import upkeep
from envparity.observe.image import ImageRecord


def to_verdict(project: Any, launcher: str, emit: Any, asked: engine.RunRequest) -> Verdict:
    names = tuple(project.environments)
    reference = project.backend.image.name
    digest = reference.rpartition("@")[2]
    found = (Finding("EP101", "startup validation failed", "db", "pass", "fail", ("staging",), ("staging",)),)
    emit(RunStarted("0a1b2c3d", launcher, (), project.backend.name, names, 1, 1, 1))
    verdict = Verdict(
        "0a1b2c3d", launcher, (), names, 3, 9, 1, found if os.environ["OUTCOME"] == "red" else (), (), 1.0,
        coverage=tuple(f"{name}: 17 orders of strength {asked.orders}" for name in names),
        images=(ImageRecord("backend", reference, f"sha256:{'e' * 64}", digests=(f"chat@{digest}",)),),
    )  # fmt: skip
    emit(RunFinished(verdict))
    return verdict


def main() -> None:
    engine.to_verdict = to_verdict
    upkeep.build_images = lambda *_arguments: iter(["backend   envparity/backend:0123456789ab   1.0 s"])
    if sys.argv[1] == "probe":  # it would connect; that its options exist is what can be asked here
        with app.commands["probe"].make_context("probe", sys.argv[2:]):
            return
    result = CliRunner().invoke(app, sys.argv[1:], prog_name="envparity")
    print(result.output)  # noqa: T201
    sys.exit(result.exit_code)


if __name__ == "__main__":
    main()
