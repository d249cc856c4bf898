"""What docs/many-machines.md says is so: commands are run, refusals are said so, recipes have options that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from distributed.cli import dask_scheduler, dask_worker

from envparity.cluster.connection import RESOURCE
from envparity.faces.cli.app import app
from tests.docs.pages import TREE, blocks, page, table
from tests.envparity.cluster.conftest import Envparity, envparity_, ferry, launchers  # noqa: F401  fixtures

PAGE = "docs/many-machines.md"
REASONS = TREE / "envparity" / "cluster" / "reading.py"


def shell_lines() -> list[str]:
    return [line for block in blocks(PAGE, "sh") for line in block.text.splitlines()]


def bash_lines() -> list[str]:
    return [line for block in blocks(PAGE, "bash") for line in block.text.splitlines()]


def documents() -> list[Any]:
    return [document for block in blocks(PAGE, "yaml") for document in yaml.safe_load_all(block.text)]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for under in value.values() if isinstance(value, dict) else value:
            yield from strings(under)


def test_the_shards_of_the_page_are_one_run(envparity_: Envparity, ferry: Path) -> None:  # noqa: F811
    """Every command of its shell blocks, one after the other, in a small project of six cases and one fault."""
    for line in (line for line in shell_lines() if re.match(r"envparity (plan|run --shard|merge)", line)):
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
    texts = [*strings(documents()), *shell_lines()]
    calls = [call for text in texts for call in re.findall(r"envparity (?:run|merge) [^\n|]*", text)]
    assert calls
    for call in calls:
        _, command, *arguments = shlex.split(re.sub(r"\$\{\{[^}]*\}\}|\$\(\([^)]*\)\)", "1", call))
        with app.commands[command].make_context(command, arguments):
            pass


def test_a_recipe_for_kubernetes_is_pinned_and_complete() -> None:
    """Volumes that are mounted are there, the number of pods is that of the shards, and the image is pinned."""
    found = next(document for document in documents() if document.get("kind") == "Job")
    pod = found["spec"]["template"]["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert found["spec"]["completionMode"] == "Indexed"
    assert f'/{found["spec"]["completions"]}"' in page(PAGE)
    assert re.search(r"@sha256:[0-9a-f]{64}$", pod["containers"][0]["image"])


def test_a_recipe_for_a_cluster_has_what_a_worker_needs(tmp_path: Path) -> None:
    """Programs and options of Dask that exist; an engine for each worker; TLS on both sides; volumes that are there."""
    found = next(document for document in documents() if document.get("kind") == "DaskCluster")
    scheduler, worker = found["spec"]["scheduler"]["spec"], found["spec"]["worker"]["spec"]
    for pod in (scheduler, worker):
        containers = [*pod["containers"], *pod.get("initContainers", [])]
        mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        assert re.search(r"@sha256:[0-9a-f]{64}$", pod["containers"][0]["image"])
    (tmp_path / "certificate.pem").touch()
    commands = [pod["containers"][0]["args"] for pod in (scheduler, worker)]
    commands += [shlex.split(line[line.index("dask ") :]) for line in bash_lines()]
    for program, role, *arguments in commands:
        assert program == "dask"
        known = {"scheduler": dask_scheduler, "worker": dask_worker}[role].main
        for at in range(1, len(arguments)):  # files must be there to be read
            if arguments[at - 1].startswith("--tls-"):
                arguments[at] = str(tmp_path / "certificate.pem")
        parsed = known.make_context(role, arguments).params
        assert all(parsed[name] for name in ("tls_ca_file", "tls_cert", "tls_key"))
        assert role == "scheduler" or (parsed["resources"], parsed["nthreads"]) == (f"{RESOURCE}=1", 1)


def test_the_options_of_a_cluster_are_those_of_the_page() -> None:
    """With the variables that stand for them."""
    options = {
        parameter.opts[0] for parameter in app.commands["run"].params if parameter.opts[0].startswith("--cluster")
    }
    documented = table(PAGE, "A cluster")
    assert set(documented) == options
    source = (TREE / "envparity" / "cluster" / "address.py").read_text(encoding="utf-8")
    assert all(f'"{row[0].strip("`")}"' in source for row in documented.values() if row[0])
