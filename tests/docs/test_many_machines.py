"""What docs/many-machines.md says is so: commands are run, refusals are said so, recipes have options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from envparity.faces.cli.app import app
from tests.docs.pages import TREE, blocks, page, table
from tests.envparity.cluster.conftest import Envparity, envparity_, ferry, launchers  # noqa: F401  fixtures

PAGE = "docs/many-machines.md"
REASONS = TREE / "envparity" / "cluster" / "reading.py"


def shell_lines() -> list[str]:
    return [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]


def documents() -> list[Any]:
    return [one for block in blocks(PAGE, "yaml") for one in yaml.safe_load_all(block.text)]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for under in value.values() if isinstance(value, dict) else value:
            yield from strings(under)


def test_the_shards_of_the_page_are_one_run(envparity_: Envparity, ferry: Path) -> None:  # noqa: F811
    """Every command of its shell blocks, one after the other, in a small project of six cases and one fault."""
    for line in (one for one in shell_lines() if re.match(r"envparity (plan|run --shard|merge)", one)):
        command, redirected, file = line.partition(" > ")
        result = envparity_(*shlex.split(command)[1:])
        assert result.exit_code == (1 if "merge" in command else 0), f"{line}\n{result.output}"
        if redirected:
            (ferry / file).write_text(result.output)
    assert (ferry / "verdict.html").is_file()


def test_what_is_said_of_a_refusal_is_what_is_said() -> None:
    """The words of the table are those of the code; tests of the merge provoke each."""
    source = REASONS.read_text(encoding="utf-8")
    for row in table(PAGE, "What is refused").values():
        for quoted in re.findall(r"`([^`]+)`", row[0]):
            words = quoted.removeprefix("expected ").split(" ")[0]
            assert words in source, quoted


def test_the_recipes_are_yaml_and_call_commands_that_exist() -> None:
    """Each call of envparity in a recipe has a command and options that exist."""
    calls = [one for text in strings(documents()) for one in re.findall(r"envparity (?:run|merge) [^\n|]*", text)]
    assert calls
    for call in calls:
        _, command, *arguments = shlex.split(re.sub(r"\$\{\{[^}]*\}\}|\$\(\([^)]*\)\)", "1", call))
        with app.commands[command].make_context(command, arguments):
            pass


@pytest.mark.parametrize("kind", ["Job"])
def test_a_recipe_for_kubernetes_is_pinned_and_complete(kind: str) -> None:
    """Volumes that are mounted are there, the number of pods is that of the shards, and the image is pinned."""
    found = next(one for one in documents() if one.get("kind") == kind)
    pod = found["spec"]["template"]["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    mounted = {one["name"] for container in containers for one in container.get("volumeMounts", [])}
    assert mounted == {one["name"] for one in pod["volumes"]}
    assert found["spec"]["completionMode"] == "Indexed"
    assert f'/{found["spec"]["completions"]}"' in page(PAGE)
    assert re.search(r"@sha256:[0-9a-f]{64}$", pod["containers"][0]["image"])
