"""Commands with ports in them, and what an environment has of its own in place of the backend's image and command."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.backend import read_backend
from envparity.config.environment import load_environment
from envparity.config.project import load_project
from envparity.errors import ConfigurationError
from envparity.isolate import differences, mix
from envparity.launch.agent.command import python_command
from envparity.model.backend import HealthPaths, UpAnswer
from envparity.model.commands import HEALTH_PORT, PORT, filled, ports_in
from envparity.model.environment import Environment, ImageSource

PORTS = {PORT: 8000, HEALTH_PORT: 8222}


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("{port}", "8000"),
        ("0.0.0.0:{port}/{health_port}", "0.0.0.0:8000/8222"),
        ("exec app --port ${PORT}", "exec app --port ${PORT}"),
        ("${A}{port}{{b}}", "${A}8000{b}"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("{{.Name}}", "{{.Name}}"),
        ("{{port}}", "{port}"),
    ],
)
def test_a_port_is_filled_and_what_a_shell_fills_is_left_to_it(argument: str, given: str) -> None:
    """Other braces stand for themselves."""
    assert filled(("app", argument), PORTS) == ("app", given)


def test_a_fork_has_the_port_of_its_own_place() -> None:
    """In whichever argument it stands."""
    command = python_command(["python3", "-X", "dev", "-m", "app", "--port", "{port}"])
    assert command.at(7420).arguments == ("--port", "7420")
    assert ports_in(["app", "{port}"]) == {PORT}


BACKEND = """name = "chat"
command = ["app", "{port}"]
[process]
command = ["app", "--port={port}", "A"]
[image]
dockerfile = "Dockerfile"
[health]
up = "port"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a Dockerfile of two stages."""
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text("FROM debian:bookworm-slim AS base\nRUN true\nFROM base as prod\nRUN true\n")
    Path("backend.toml").write_text(BACKEND)
    Path("environments").mkdir()
    return tmp_path


def environment(text: str = "") -> Path:
    """The file of an environment, relative to the project."""
    path = Path("environments/staging.toml")
    path.write_text(f'name = "staging"\n{text}')
    return path


@pytest.mark.parametrize(
    ("argument", "got", "action"),
    [
        ("{PORT}", "{PORT}", "write {{ and }}"),
        ("{health_port}", "{health_port}", "set health.port"),
        ("{setting:KEY}", "{setting:KEY}", "take it from the process environment"),
        ("{redis.url}", "{redis.url}", "take it from the process environment"),
    ],
)
def test_what_nothing_fills_in_a_command_is_a_mistake(folder: Path, argument: str, got: str, action: str) -> None:
    """With the line of the command."""
    (folder / "backend.toml").write_text(BACKEND.replace('"A"', f'"{argument}"'))
    _, (mistake,) = read_backend(Path("backend.toml"))
    assert (mistake.line, mistake.key, mistake.got) == (4, "process.command[2]", got)
    assert action in mistake.action


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('up = "http"\n', HealthPaths(None, None, None, None, "http")),
        (
            'up = { path = "/", status = [200, 403] }\nready = "/ok"\n',
            HealthPaths(None, "/ok", None, None, UpAnswer("/", (200, 403))),
        ),
        ('up = { path = "/" }\n', HealthPaths(None, None, None, None, UpAnswer("/", (200,)))),
        ('live = "/up"\n', HealthPaths("/up")),
    ],
)
def test_where_up_is_said_a_path_that_is_not_is_none(folder: Path, said: str, expected: HealthPaths) -> None:
    """Without it every path has its default."""
    (folder / "backend.toml").write_text(BACKEND.replace('up = "port"\n', said))
    backend, mistakes = read_backend(Path("backend.toml"))
    assert backend is not None, mistakes
    assert backend.health == expected


def test_a_port_for_health_is_told_to_a_process(folder: Path) -> None:
    """Boots beside each other cannot share one."""
    (folder / "backend.toml").write_text(f"{BACKEND}port = 8222\n")
    _, (mistake,) = read_backend(Path("backend.toml"))
    assert (mistake.line, mistake.key) == (4, "process.command")
    (folder / "backend.toml").write_text(f"{BACKEND.replace('A', '{health_port}')}port = 8222\n")
    backend, _ = read_backend(Path("backend.toml"))
    assert backend is not None
    assert backend.health.port == 8222


def test_an_environment_has_an_image_and_a_command_of_its_own(folder: Path) -> None:
    """Relative to its own file; each is a trait."""
    path = environment('image = { dockerfile = "../Dockerfile", target = "prod" }\ncommand = ["app", "-w", "4"]\n')
    made, mistakes = load_environment(path)
    assert made is not None, mistakes
    image = ImageSource(folder / "Dockerfile", folder, target="prod")
    assert (made.image, made.command) == (image, ("app", "-w", "4"))
    traits = differences(Environment("local"), made)
    assert [str(trait) for trait in traits] == ["image.dockerfile=Dockerfile image.target=prod", "command app -w 4"]
    assert mix(Environment("local"), made, traits[:1]).image == image
    assert mix(Environment("local"), made, traits[1:]).command == made.command
    other = Environment("local", image=ImageSource(folder / "Dockerfile", folder, target="base"))
    assert [str(trait) for trait in differences(other, made)] == ["image.target=prod", "command app -w 4"]
    assert [str(trait) for trait in differences(made, Environment("local"))] == [
        "the backend's own image",
        "the backend's own command",
    ]


def test_a_stage_that_is_not_there_is_a_mistake(folder: Path) -> None:
    """With those that are."""
    assert (folder / "Dockerfile").is_file()
    _, (mistake,) = load_environment(environment('image = { dockerfile = "../Dockerfile", target = "prd" }\n'))
    assert (mistake.line, mistake.key, mistake.expected) == (2, "image.target", "a stage of the Dockerfile: base, prod")
    assert "prod" in mistake.action


def test_what_an_environment_has_must_fit_the_backend(folder: Path) -> None:
    """An image in place of none, and a port for health that there is not."""
    (folder / "backend.toml").write_text(BACKEND.replace('[image]\ndockerfile = "Dockerfile"\n', ""))
    environment('image = { name = "other" }\ncommand = ["app", "{health_port}"]\n')
    with pytest.raises(ConfigurationError) as caught:
        load_project(Path("backend.toml"), Path("environments"))
    assert {mistake.key for mistake in caught.value.mistakes} == {"health.port", "image"}
