"""The gates of pipelines: their files are what their CI systems read, and the commands in them do what they say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envparity.report.attestation.keys import new_pair
from tests.docs.pages import TREE
from tests.docs.pipelines import (
    DIGEST,
    IMAGE,
    Machine,
    Step,
    cloudbuild_steps,
    github_steps,
    gitlab_steps,
    machine,
    read,
)

SCHEMAS = {
    "vendor.github-workflows": [".github/workflows/gate.yml", ".github/workflows/release.yml", "docs/gates/github.yml"],
    "vendor.github-actions": ["action.yml"],
    "vendor.gitlab-ci": ["docs/gates/gitlab-ci.yml"],
    "vendor.cloudbuild": ["docs/gates/cloudbuild.yaml"],
}


@pytest.fixture
def known(tmp_path: Path) -> dict[str, str]:
    """The values of the pipelines' expressions and variables; the keys are a pair."""
    private, public = new_pair()
    key = tmp_path / "gate.key"
    key.write_bytes(private)
    (tmp_path / "gate.pub").write_bytes(public)
    return {
        "inputs.image": IMAGE, "inputs.orders": "3", "inputs.backend": "backend.toml", "inputs.package": ".",
        "inputs.environments": "environments", "inputs.signing-key": private.decode(),
        "secrets.signing-key": private.decode(), "secrets.registry-token || github.token": "made-up",
        "github.token": "made-up", "github.repository": "acme/chat", "vars.ENVPARITY_VERIFY_KEY": public.decode(),
        "vars.IMAGE_BY_DIGEST": IMAGE, "needs.build.outputs.image": IMAGE,
        "CI_REGISTRY_IMAGE": "registry.test/acme/chat", "DIGEST": f"sha256:{DIGEST}", "SIGNING_KEY": str(key),
        "CI_REGISTRY": "registry.test", "CI_REGISTRY_USER": "somebody", "CI_REGISTRY_PASSWORD": "made-up",
        "_IMAGE": IMAGE,
    }  # fmt: skip


def ready(tmp_path: Path, known: dict[str, str], outcome: str) -> Machine:
    made = machine(tmp_path, outcome)
    shutil.copy(tmp_path / "gate.pub", made.folder)
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "COMMIT_SHA"):
        known[name] = made.commit
    return made


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_file_is_what_its_ci_system_reads(schema: str) -> None:
    """By the schema that is published for it."""
    more = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, *SCHEMAS[schema]],
        cwd=TREE, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def pipelines() -> dict[str, list[Step]]:
    judged = github_steps(".github/workflows/gate.yml")
    return {
        "release": [
            *judged,
            *(step for step in github_steps(".github/workflows/release.yml") if step.job == "publish"),
        ],
        "action": [*github_steps("action.yml"), *github_steps("docs/gates/github.yml")],
        "gitlab": gitlab_steps("docs/gates/gitlab-ci.yml"),
        "cloudbuild": [_with_key(step) for step in cloudbuild_steps("docs/gates/cloudbuild.yaml")],
    }


def _with_key(step: Step) -> Step:
    """As Cloud Build hands it the secret that it asks for."""
    given = {"ENVPARITY_SIGNING_KEY": "${{ secrets.signing-key }}"} if step.job == "gate" else {}
    return replace(step, variables={**step.variables, **given})


def released(commands: list[str]) -> list[str]:
    return [command for command in commands if command.startswith(("deploy ", "docker buildx imagetools create"))]


@pytest.mark.parametrize("name", ["release", "action", "gitlab", "cloudbuild"])
def test_what_was_judged_is_released(name: str, tmp_path: Path, known: dict[str, str]) -> None:
    """Every step of the pipeline succeeds, and exactly the image that was judged is deployed, or given its name."""
    made = ready(tmp_path, known, "clean")
    steps = pipelines()[name]
    failed = made.go_through(steps, known)
    assert failed is None, made.run(failed, known).stderr + made.run(failed, known).stdout
    assert [command.split()[-1] for command in released(made.commands)] == [IMAGE]
    judged = [
        command for command in made.commands if command.startswith("envparity run") and f"--image {IMAGE} " in command
    ]
    assert len(judged) == 1


@pytest.mark.parametrize("name", ["release", "action", "gitlab", "cloudbuild"])
def test_what_is_red_is_not_released(name: str, tmp_path: Path, known: dict[str, str]) -> None:
    """The gate fails; and where somebody went on all the same, the step that releases would refuse the verdict."""
    made = ready(tmp_path, known, "red")
    steps = pipelines()[name]
    failed = made.go_through(steps, known)
    assert failed is not None
    assert "envparity run" in failed.script
    after = steps[steps.index(failed) + 1 :]
    refused = made.go_through(after, known)
    assert refused is not None
    assert "envparity verify" in refused.script
    assert released(made.commands) == []


def test_the_image_that_is_judged_is_the_one_that_was_built(tmp_path: Path, known: dict[str, str]) -> None:
    """The build's output is the digest of what it has pushed, and gate and publishing are given that."""
    made = ready(tmp_path, known, "clean")
    build = [step for step in github_steps(".github/workflows/release.yml") if step.job == "build"]
    assert made.go_through(build, known) is None
    output = (tmp_path / "output").read_text(encoding="utf-8")
    assert output == f"image=ghcr.io/acme/chat/backend@sha256:{DIGEST}\n"
    jobs = read(".github/workflows/release.yml")["jobs"]
    assert jobs["gate"]["with"]["image"] == "${{ needs.build.outputs.image }}"
    assert set(jobs["publish"]["needs"]) == {"build", "gate"}
    tagged = [command for command in made.commands if command.startswith("docker tag")]
    assert tagged[0].split()[2] == "envparity/backend:0123456789ab"


def test_another_teams_gate_is_three_lines() -> None:
    """The step of the example, without the key."""
    step = next(step for step in read("docs/gates/github.yml")["jobs"]["gate"]["steps"] if "envparity@" in step["uses"])
    inputs = read("action.yml")["inputs"]
    assert [name for name, given in inputs.items() if given.get("required")] == ["image"]
    assert set(step["with"]) <= set(inputs)
