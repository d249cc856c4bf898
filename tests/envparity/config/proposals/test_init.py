"""What `envparity init` makes of five shapes of project, and what it never does: guess in silence, or overwrite."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from envparity.config.environment import load_environment
from envparity.config.proposals.code import read_code
from envparity.config.proposals.proposal import slug
from envparity.faces.cli.app import app

FASTAPI = """\
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/healthz")
def healthz(): return {}


@app.websocket("/rooms/{room}/ws")
async def room(socket: WebSocket): ...
"""
CHANNELS = """\
from django.urls import re_path
urlpatterns = [re_path(r"ws/chat/(?P<room_name>\\w+)/$", ChatConsumer.as_asgi())]
"""
NODE = """\
const { WebSocketServer } = require('ws')
const server = require('http').createServer((request, answer) => answer.end(request.url === '/readyz' ? 'ok' : ''))
new WebSocketServer({ server, path: '/live' })
"""
GO = """\
package main

func main() {
	http.HandleFunc("/v1/ws", serve)
	http.HandleFunc("/livez", alive)
}
"""
SHAPES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "FastAPI": (
        {"pyproject.toml": '[project]\nname = "Chat Rooms"\n', "chat/main.py": FASTAPI, ".env": "DEBUG=1\n"},
        {
            "name": "chat-rooms",
            "websocket_path": "/rooms/{uuid:room}/ws",
            "health": "/healthz",
            "process": ["python3", "-m", "uvicorn", "chat.main:app", "--host", "127.0.0.1", "--port", "{port}"],
        },
    ),
    "Channels": (
        {
            "manage.py": "",
            "site_of_chat/asgi.py": "application = None\n",
            "chat/routing.py": CHANNELS,
            "Procfile": "release: python manage.py migrate\nweb: daphne site_of_chat.asgi:application -p $PORT\n",
        },
        {
            "websocket_path": "/ws/chat/{uuid:room_name}/",
            "health": False,
            "process": ["daphne", "site_of_chat.asgi:application", "-p", "{port}"],
        },
    ),
    "Node": (
        {"package.json": '{"name": "@team/live", "scripts": {"start": "node server.js"}}', "server.js": NODE},
        {"name": "live", "websocket_path": "/live", "health": "/readyz", "process": ["node", "server.js"]},
    ),
    "Go": (
        {"go.mod": "module example.test/hub\n", "main.go": GO},
        {"websocket_path": "/v1/ws", "health": "/livez", "process": ["go", "run", "."]},
    ),
    "a Dockerfile": (
        {"Dockerfile": 'FROM debian:bookworm-slim\nCMD ["/serve", "--port", "9000"]\n', "serve.rs": ""},
        {"websocket_path": "/", "health": False, "image": "Dockerfile", "process": ["/serve", "--port", "{port}"]},
    ),
}


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["init", str(folder), "--no-run", *options])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_files_say_is_what_is_written(shape: str, tmp_path: Path) -> None:
    """Each decision is said with the place that it was found at, and the files are in order."""
    files, expected = SHAPES[shape]
    folder = project(tmp_path / "hub", files)
    path = () if expected["websocket_path"] != "/" else ("--websocket-path", "/")
    result = init(folder, "--yes", *path)
    assert result.exit_code == 0, result.output
    written = tomllib.loads((folder / "backend.toml").read_text(encoding="utf-8"))
    assert written["websocket_path"] == expected["websocket_path"]
    assert written["name"] == expected.get("name", "hub")
    assert written["health"]["ready"] == expected["health"]
    assert written["process"]["command"] == expected["process"]
    assert written.get("image", {}).get("dockerfile") == expected.get("image")
    environments = {path.stem: tomllib.loads(path.read_text()) for path in (folder / "environments").iterdir()}
    assert set(environments) == {"local", "cloud"}
    assert environments["local"].get("extends", []) == (["../.env"] if ".env" in files else [])
    assert environments["cloud"]["platform"]["replicas"] == 2


def test_each_file_of_variables_is_an_environment(tmp_path: Path) -> None:
    """An example is none; nothing is assumed where there are two."""
    files = {**SHAPES["Node"][0], ".env": "A=1\n", ".env.prod": "A=2\n", ".env.example": "A=\n"}
    folder = project(tmp_path, files)
    assert init(folder, "--yes").exit_code == 0
    environments = {path.stem: tomllib.loads(path.read_text()) for path in (folder / "environments").iterdir()}
    assert {name: said["extends"] for name, said in environments.items()} == {
        "local": ["../.env"],
        "production": ["../.env.prod"],
    }
    assert "ingress" not in environments["production"]


def test_nothing_is_guessed_in_silence(tmp_path: Path) -> None:
    """Without a terminal and without --yes all that is to be decided is told at once, and nothing is written."""
    folder = project(tmp_path, SHAPES["Node"][0])
    result = init(folder)
    assert result.exit_code == 2
    for flag in ("--command", "--websocket-path", "--health", "--name"):
        assert flag in result.output
    assert not (folder / "backend.toml").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Each file that is there is told, and none is written beside it."""
    folder = project(tmp_path, {**SHAPES["Node"][0], "environments/local.toml": 'name = "local"\n'})
    result = init(folder, "--yes")
    assert result.exit_code == 2
    assert "local.toml" in result.output
    assert not (folder / "backend.toml").exists()
    assert (folder / "environments" / "local.toml").read_text() == 'name = "local"\n'


def test_a_folder_that_says_nothing_is_told_what_to_say(tmp_path: Path) -> None:
    result = init(tmp_path, "--yes")
    assert result.exit_code == 2
    assert "--websocket-path" in result.output
    assert "--command" in result.output


def test_options_are_what_counts(tmp_path: Path) -> None:
    """Over what the files propose, with nothing to be accepted then."""
    folder = project(tmp_path, SHAPES["Node"][0])
    options = (
        "--name",
        "mine",
        "--command",
        "node other.js --port {port}",
        "--websocket-path",
        "/x",
        "--health",
        "port",
    )
    result = init(folder, *options)
    assert result.exit_code == 0, result.output
    written = tomllib.loads((folder / "backend.toml").read_text(encoding="utf-8"))
    assert (written["name"], written["websocket_path"], written["health"]["ready"]) == ("mine", "/x", False)
    assert written["process"]["command"] == ["node", "other.js", "--port", "{port}"]


def test_a_server_of_socket_io_is_one_of_that_codec(tmp_path: Path) -> None:
    folder = project(
        tmp_path, {"app.py": "import socketio\nio = socketio.AsyncServer()\n", "Procfile": "web: serve $PORT\n"}
    )
    assert init(folder, "--yes").exit_code == 0
    written = tomllib.loads((folder / "backend.toml").read_text(encoding="utf-8"))
    assert (written["frames"]["codec"], written["websocket_path"].partition("?")[0]) == ("engine-io", "/socket.io/")


def test_tests_and_what_is_installed_are_no_source(tmp_path: Path) -> None:
    """A path in there is none of the backend's."""
    files = {"tests/main.py": FASTAPI, "node_modules/ws/a.js": NODE, ".venv/a.py": FASTAPI, "real/main.py": FASTAPI}
    found = read_code(project(tmp_path, files))
    assert [(proposal.value, proposal.found_in) for proposal in found.websockets] == [
        ("/rooms/{uuid:room}/ws", "real/main.py:10")
    ]


@pytest.mark.parametrize(
    ("name", "slugged"), [("Chat Rooms!", "chat-rooms"), ("42", "backend-42"), ("ÄÖ", "backend"), ("a" * 60, "a" * 40)]
)
def test_a_name_is_made_one_of_the_files_kind(name: str, slugged: str) -> None:
    assert slug(name, "backend") == slugged


MONOREPO = {
    "compose.yaml": "services:\n  web: {build: ./web}\n  api: {build: {context: api, dockerfile: Dockerfile.prod}}\n",
    "admin/Dockerfile": "FROM a\n",
    "api/Dockerfile.prod": 'FROM a\nCMD ["uvicorn", "main:app"]\n',
    "api/main.py": FASTAPI,
    "web/Dockerfile": "FROM a\n",
}


def test_a_backend_in_a_folder_of_its_own_runs_there(tmp_path: Path) -> None:
    """By the Dockerfile that its service is built from, with modules as its image has them."""
    folder = project(tmp_path, MONOREPO)
    done = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run", "--service", "api"])
    assert done.exit_code == 0, done.output
    written = tomllib.loads((folder / "backend.toml").read_text())
    assert written["image"] == {"dockerfile": "api/Dockerfile.prod"}
    command = ["python3", "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "{port}"]
    assert written["process"] == {"command": command, "folder": "api"}


def test_a_dockerfile_away_from_the_code_is_built_from_where_the_service_says(tmp_path: Path) -> None:
    """And the program runs there; where nobody says it, in the project's own folder."""
    files = {"chat/main.py": FASTAPI, "docker/Dockerfile": "FROM a\n"}
    compose = {"compose.yaml": "services: {chat: {build: {context: ., dockerfile: docker/Dockerfile}}}\n"}
    for name, more in (("told", compose), ("alone", {})):
        folder = project(tmp_path / name, files | more)
        assert CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"]).exit_code == 0
        written = tomllib.loads((folder / "backend.toml").read_text())
        assert written["image"] == {"dockerfile": "docker/Dockerfile"} | ({"context": "."} if more else {})
        assert ("folder" in written["process"], written["process"]["command"][3]) == (False, "chat.main:app")


DEPLOY = "jobs: {a: {steps: [{run: 'gcloud run deploy chat --image a/b --set-env-vars LOG_LEVEL=info'}]}}\n"
ACTION = (
    "{uses: google-github-actions/deploy-cloudrun@v2, with: {service: chat, image: a/b, env_vars: 'LOG_LEVEL=info'}}"
)


@pytest.mark.parametrize("workflow", [DEPLOY, f"jobs: {{a: {{steps: [{ACTION}]}}}}\n"])
def test_what_deploys_is_an_environment_whatever_it_is(tmp_path: Path, workflow: str) -> None:
    """A task of ECS, and a workflow that deploys one service; one that deploys nothing, or several, is none."""
    task = '{"containerDefinitions": [{"name": "chat", "image": "a/b"}]}'
    files = {"chat/main.py": FASTAPI, "task-definition.json": task, ".github/workflows/deploy.yml": workflow}
    files |= {
        ".github/workflows/ci.yml": "jobs: {}\n",
        ".github/workflows/all.yml": workflow + workflow.replace("jobs", "more"),
    }
    folder = project(tmp_path, files)
    assert CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"]).exit_code == 0
    written = {file.stem: tomllib.loads(file.read_text())["extends"] for file in (folder / "environments").iterdir()}
    assert written == {"ecs": ["../task-definition.json"], "cloud-run": ["../.github/workflows/deploy.yml"]}


def test_previews_of_render_are_an_environment_where_it_makes_them(tmp_path: Path) -> None:
    """Beside the one that they are made of; where they are off there is that alone."""
    for generation, expected in (("automatic", {"render", "render-preview"}), ("off", {"local", "render"})):
        blueprint = f"previews: {{generation: {generation}}}\nservices: [{{type: web, name: live, numInstances: 2}}]\n"
        folder = project(tmp_path / generation, {**SHAPES["Node"][0], "render.yaml": blueprint})
        assert init(folder, "--yes").exit_code == 0
        assert {file.stem for file in (folder / "environments").iterdir()} == expected


def test_where_only_a_platform_is_told_of_the_laptop_is_assumed(tmp_path: Path) -> None:
    """The same as one copy that is reached directly; it is what the platform is compared with."""
    fly = "app = 'live'\n[env]\nLOG_LEVEL = 'info'\n[http_service]\ninternal_port = 8080\nmin_machines_running = 2\n"
    folder = project(tmp_path, {**SHAPES["Node"][0], "fly.toml": fly})
    assert init(folder, "--yes").exit_code == 0
    local, platform = (load_environment(folder / "environments" / f"{name}.toml")[0] for name in ("local", "fly"))
    assert local is not None
    assert platform is not None
    assert (local.baseline, platform.baseline) == (True, False)
    assert local.settings == platform.settings == {"LOG_LEVEL": "info"}
    assert (local.ingress.kind, local.platform.replicas) == ("none", 1)
    assert (platform.ingress.kind, platform.platform.replicas) == ("nginx", 2)
    told = [{note.name for note in each.notes} for each in (local, platform)]
    assert told[1] - told[0] == {"ingress host"}  # of an ingress that the laptop has not
    checked = (
        CliRunner()
        .invoke(
            app, ["check", "--backend", str(folder / "backend.toml"), "--environments", str(folder / "environments")]
        )
        .output
    )
    lines = [line.partition(": ")[0] for line in checked.splitlines() if ": not known: " in line]
    assert sorted(lines) == ["fly", "local, fly"]  # what both say is told once
