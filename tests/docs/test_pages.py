"""What README.md and docs/ tell people to type or to write is right: commands run, files load, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from envparity.config.environment import load_environments
from envparity.config.project import load_project
from envparity.config.scenario import parse_scenarios
from envparity.engine.events import Emit
from envparity.engine.session import engine
from envparity.faces.cli.app import app
from envparity.judge.finding import Verdict
from envparity.launch import upkeep
from envparity.model.project import Project
from envparity.report.verdict import verdict_lines
from tests.docs.pages import TREE, Block, blocks, page, prose

README = "README.md"
PAGES = [README, *sorted(str(path.relative_to(TREE)) for path in (TREE / "docs").glob("*.md"))]
OTHERS = frozenset(
    {
        "docs/audit.md",
        "docs/cost.md",
        "docs/extend.md",
        "docs/many-machines.md",
        "docs/monitoring.md",
        "docs/pre-deploy.md",
        "docs/probe.md",
        "docs/record.md",
        "docs/report.md",
    }
)  # have tests of their own
TEAHOUSE = TREE / "docs" / "examples" / "teahouse"


def commands() -> Iterator[tuple[str, str]]:
    """Every command of a shell block and of a CI step, and every `envparity …` in the text: where, and what."""
    for name in PAGES:
        if name in OTHERS:
            continue
        for block in blocks(name, "sh"):
            for line in block.text.splitlines():
                yield str(block), line.partition("  #")[0].strip()
        for block in blocks(name, "yaml"):
            for step in yaml.safe_load(block.text):
                if "run" in step:
                    yield str(block), step["run"]
        for inline in re.findall(r"`(envparity [^`]+)`", prose(name)):
            yield name, inline


COMMANDS = sorted(set(commands()))
OURS = list({command: (where, command) for where, command in COMMANDS if command.startswith("envparity ")}.values())
STEPS = [(where, command) for where, command in COMMANDS if not command.startswith("envparity ")]


@pytest.fixture
def boots_nothing(monkeypatch: pytest.MonkeyPatch) -> list[Project]:
    """Everything is real but for the boots."""
    asked: list[Project] = []

    def to_verdict(
        project: Project,
        launcher: str,
        emit: Emit,
        _asked: engine.RunRequest,
    ) -> Verdict:
        asked.append(project)
        return Verdict("0a1b2c3d", launcher, (), tuple(project.environments), 1, 1, 1, (), (), 1.0)

    monkeypatch.setattr(engine, "to_verdict", to_verdict)
    monkeypatch.setattr(upkeep, "remove_leftovers", lambda *_args, **_options: [])
    return asked


@pytest.mark.parametrize(("where", "command"), OURS)
def test_every_envparity_command_is_one(
    where: str, command: str, boots_nothing: list[Project], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the repository's own files: the options exist, the names in them too; `run` gets as far as booting."""
    arguments = shlex.split(command)[1:]
    if arguments[0] == "init":
        (tmp_path / "Procfile").write_text("web: serve --port $PORT\n")
        arguments += ["--yes", "--websocket-path", "/ws"]  # nobody is there to be asked
    else:
        for part in ("netra_backend", "environments", "docker"):
            (tmp_path / part).symlink_to(TREE / part)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGING_JWT_SECRET", "for staging, where that is attached")
    result = CliRunner().invoke(app, arguments, prog_name="envparity")
    assert result.exit_code == 0, f"{where}: {command}\n{result.output}"
    assert bool(boots_nothing) == (arguments[0] in {"run", "init"})


@pytest.mark.parametrize(("where", "command"), STEPS)
def test_every_other_command_is_run_here_or_in_ci(where: str, command: str, tmp_path: Path) -> None:
    """A step of .ci/run, .ci/run itself, which the workflow runs, or a patch that is applied here."""
    ci = (TREE / ".ci" / "run").read_text(encoding="utf-8")
    for part in command.split(" && "):
        words = shlex.split(part)
        if words[0] in {".ci/prepare", ".ci/run"}:
            assert os.access(TREE / words[0], os.X_OK)
            used = (
                ci
                if words[0] == ".ci/prepare"
                else (TREE / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
            )
            assert re.search(rf"^[^#]*{re.escape(words[0])}\b", used, re.MULTILINE), f"{where}: {part}"
        elif words[:2] == [".venv/bin/tox", "-e"]:
            assert set(words[2].split(",")) <= set(environments_of_ci(ci)), f"{where}: {part}"
        else:
            assert words[:2] == ["git", "apply"], f"{where}: nobody runs {part!r}"
            shutil.copytree(TREE / "netra_backend", tmp_path / "netra_backend")
            patch = str(TREE / words[-1])
            git_apply(patch, tmp_path)
            git_apply("-R", "--check", patch, tmp_path)


def git_apply(*arguments: str | Path) -> None:
    """`git apply` with these arguments, in the folder that is the last of them."""
    *options, folder = arguments
    subprocess.run([shutil.which("git") or "git", "apply", *options], cwd=folder, check=True, timeout=300)


def environments_of_ci(script: str) -> list[str]:
    """The tox environments that .ci/run goes through."""
    found = re.search(r"^ENVIRONMENTS=\(([^)]*)\)$", script, re.MULTILINE)
    assert found
    return found[1].split()


def named_blocks() -> dict[str, Block]:
    """README's example, its files by the name in their first line."""
    found = {}
    for block in blocks(README, "toml"):
        name = re.match(r"# (\S+\.toml)\n", block.text)
        if name:
            found[name[1]] = block
    return found


def write_example(folder: Path) -> Path:
    """README's example as a folder of its own, with the server and the Dockerfile of docs/examples."""
    for name in ("server.js", "Dockerfile"):
        shutil.copy(TEAHOUSE / name, folder)
    for name, block in named_blocks().items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
    return folder


def test_the_readmes_example_is_complete_and_in_order(tmp_path: Path) -> None:
    """Backend and environments load by the real loaders, and fit each other."""
    folder = write_example(tmp_path)
    project = load_project(folder / "backend.toml", folder / "environments")
    assert list(project.environments) == ["laptop", "cloud"]
    assert [scenario.name for scenario in project.backend.scenarios] == ["conversation", "expired_token"]


@pytest.mark.docker
def test_the_readmes_example_is_clean(tmp_path: Path) -> None:
    """Booted for real, as whoever copies it would."""
    done = subprocess.run(
        [sys.executable, "-m", "envparity", "run", "--plain"],
        cwd=write_example(tmp_path), env=os.environ | {"PYTHONPATH": str(TREE)},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def usual_environment() -> dict[str, str]:
    """Where no launcher is asked for, as a reader's shell has it; a command repeats what was asked."""
    return {name: value for name, value in os.environ.items() if name != "ENVPARITY_LAUNCHER"} | {
        "PYTHONPATH": str(TREE)
    }


@pytest.mark.docker
def test_the_readmes_red_verdict_is_what_is_printed(tmp_path: Path) -> None:
    """The finding of the incident, put back as README says: every line that is not left out stands in the output."""
    for part in ("netra_backend", "environments", "docker"):
        shutil.copytree(TREE / part, tmp_path / part)
    patch = next(command.split()[-1] for _, command in STEPS if command.startswith("git apply parity_tests"))
    git_apply(str(TREE / patch), tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "envparity", "run", "--plain", "--only", "conversation"],
        cwd=tmp_path, env=usual_environment(),
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    printed = next(block.text for block in blocks(README, "text") if block.text.startswith("RED"))
    for piece in flat(printed.partition("[…]")[2]).split("[…]"):
        assert piece.strip() in flat(done.stdout)


def flat(text: str) -> str:
    """In one line, without the bar before a line of evidence."""
    return " ".join(re.sub(r"^ *\| ", "", text, flags=re.MULTILINE).replace(" | ", " ").split())


def test_the_readmes_verdicts_have_the_parts_of_a_verdict() -> None:
    """Both begin as a verdict does, with the same labels in the same order, and nothing is left out in silence."""
    made = [
        "".join(span.text for span in line)
        for line in verdict_lines(Verdict("1", "c", (), ("a",), 1, 1, 1, (), (), 1.0))
    ]
    labels = [line.split()[0] for line in made if line.startswith("  ")]
    clean = next(block.text for block in blocks(README, "text") if block.text.startswith("CLEAN"))
    assert [line.split()[0] for line in clean.splitlines() if re.match(r"  \S", line)] == labels
    assert "[…]" in clean


def test_the_readmes_difference_is_one_that_a_file_may_declare(tmp_path: Path) -> None:
    """Added to an environment of the repository, the file is still in order."""
    declared = next(block.text for block in blocks(README, "toml") if "[[differences]]" in block.text)
    text = (TREE / "environments" / "staging.toml").read_text(encoding="utf-8")
    (tmp_path / "staging.toml").write_text(f"{text}\n{declared}", encoding="utf-8")
    assert load_environments([tmp_path])["staging"].differences[-1].expires is not None


@pytest.mark.parametrize(
    "block",
    [block for name in ("docs/scenarios.md", "docs/disturbances.md") for block in blocks(name, "toml")],
    ids=str,
)
def test_the_scenarios_of_the_reference_can_be_played(block: Block) -> None:
    """No snippet of docs/scenarios.md, nor of docs/disturbances.md, has a mistake."""
    import tomllib

    scenarios, mistakes = parse_scenarios(tomllib.loads(block.text)["scenario"], block.page, lambda _key: 0)
    assert (len(scenarios), mistakes) == (1, [])


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    """To a file of the repository, and to a heading in it where it says so."""
    for target in re.findall(r"\]\(([^)]+)\)", prose(name)):
        path, _, anchor = target.partition("#")
        file = (TREE / name).parent / path if path else TREE / name
        assert file.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page(str(file.resolve().relative_to(TREE))), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                f"{name}: {target}"
            )


def test_the_readme_is_short() -> None:
    """It is read in five minutes; the rest is in docs/."""
    assert len(page(README).splitlines()) <= 260
