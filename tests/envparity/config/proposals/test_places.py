"""Where `envparity init` looks for what deploys a project, and for the backend among its services."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app

SOCKET = "app = FastAPI()\n@app.websocket('/ws')\nasync def talk(socket): ...\n"
ROUTING = "urlpatterns = [path('ws/', Talk.as_asgi())]\n"
DOCKERFILE = 'FROM a\nCMD ["serve"]\n'


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def init(folder: Path, *options: str) -> dict[str, dict[str, Any]]:
    """What it writes: the backend as `backend`, environments by their names."""
    result = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run", *options])
    assert result.exit_code == 0, result.output
    files = [folder / "backend.toml", *(folder / "environments").iterdir()]
    return {file.stem: tomllib.loads(file.read_text()) for file in files}


def test_of_several_services_that_with_a_websocket_is_the_backend(tmp_path: Path) -> None:
    """Whatever its place in the file; one that needs a profile comes last."""
    compose = "services:\n  seed: {build: ./api, profiles: [seed]}\n  web: {build: ./web}\n  api: {build: ./api}\n"
    files = {"api/Dockerfile": DOCKERFILE, "api/main.py": SOCKET, "web/Dockerfile": DOCKERFILE, "web/a.py": "x = 1\n"}
    written = init(project(tmp_path, files | {"compose.yaml": compose}))
    assert written["local"]["extends"] == ["../compose.yaml#api"]
    assert written["backend"]["image"] == {"dockerfile": "api/Dockerfile"}


def test_a_path_is_that_of_the_services_own_code(tmp_path: Path) -> None:
    """And not of another one, though that is read before."""
    compose = "services:\n  a: {build: ./a}\n  b: {build: ./b}\n"
    files = {"compose.yaml": compose}
    for name in "ab":
        files |= {f"{name}/Dockerfile": DOCKERFILE, f"{name}/main.py": SOCKET.replace("/ws", f"/{name}")}
    written = init(project(tmp_path, files), "--service", "b")
    assert written["backend"]["websocket_path"] == "/b"


@pytest.mark.parametrize(
    ("over", "extends"),
    [
        ("services: {api: {environment: {A: 1}}}\n", ["../compose.yaml#api", "../compose.prod.yaml#api"]),
        ("services: {api: {image: a}, db: {image: postgres}}\n", ["../compose.prod.yaml#api"]),
        ("services: {api: {image: a}, db: {ports: [5432]}}\n", ["../compose.yaml#api", "../compose.prod.yaml#api"]),
    ],
)
def test_a_compose_file_that_says_all_by_itself_stands_alone(tmp_path: Path, over: str, extends: list[str]) -> None:
    """Each of its services says what it runs; what changes another file goes over that."""
    files = {"compose.yaml": "services: {api: {build: .}, db: {image: postgres}}\n", "compose.prod.yaml": over}
    written = init(project(tmp_path, files | {"Dockerfile": DOCKERFILE, "main.py": SOCKET}))
    assert written["production"]["extends"] == extends


def test_a_compose_file_in_a_folder_is_found(tmp_path: Path) -> None:
    """With what goes over it there, and what it builds from above."""
    files = {"main.py": SOCKET, "Dockerfile": DOCKERFILE, "docker/docker-compose-staging.yml": "services: {api: {}}\n"}
    files["docker/docker-compose.yml"] = "services: {api: {build: {context: ..}}}\n"
    written = init(project(tmp_path, files))
    base = "../docker/docker-compose.yml#api"
    assert written["local"]["extends"] == [base]
    assert written["staging"]["extends"] == [base, "../docker/docker-compose-staging.yml#api"]
    assert written["backend"]["image"] == {"dockerfile": "Dockerfile"}


def test_compose_files_that_are_no_environment_are_told(tmp_path: Path) -> None:
    """The first three by name, the others by their number."""
    files = {f"examples/compose-{name}.yaml": "services: {db: {image: postgres}}\n" for name in "abcde"}
    folder = project(tmp_path, files | {"main.py": SOCKET})
    lines = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"]).output.splitlines()
    told = [line.split()[2].rstrip(":") for line in lines if line.startswith("not taken")]
    assert told == [f"examples/compose-{name}.yaml" for name in "abc"]
    assert any(line.split() == ["and", "2", "compose", "files", "more"] for line in lines)


def test_files_of_variables_may_be_called_the_other_way_round(tmp_path: Path) -> None:
    """`local.env`, but samples; what a compose file names is a part of that."""
    files = {"main.py": SOCKET, "local.env": "A=1\n", "prod.env": "A=2\n", "sample.env": "A=\n"}
    written = init(project(tmp_path / "alone", files))
    assert {name: said["extends"] for name, said in written.items() if name != "backend"} == {
        "local": ["../local.env"],
        "production": ["../prod.env"],
    }
    compose = {"compose.yaml": "services: {api: {build: ., env_file: prod.env}}\n", "Dockerfile": DOCKERFILE}
    written = init(project(tmp_path / "named", files | compose))
    assert "production" not in written
    assert written["local"]["extends"] == ["../compose.yaml#api", "../local.env"]


def workload(name: str) -> str:
    pod = f"template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}"
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{{pod}}}\n"


@pytest.mark.parametrize(
    ("files", "entries"),
    [
        (["deployments/kubernetes/api.yaml"], {"cluster": "../deployments/kubernetes"}),
        (["infra/staging/api.yaml", "infra/prod/api.yaml"],
         {"staging": "../infra/staging", "production": "../infra/prod"}),
        (["kube/api/a.yaml", "kube/other/b.yaml"], {"cluster": "../kube#api"}),
        (["deployment.yaml"], {"cluster": "../deployment.yaml"}),
        (["tests/api.yaml", ".hidden/api.yaml", "examples/api.yaml"], {"cloud": ""}),
        (["k8s/overlays/staging/api.yaml", "k8s/base/api.yaml"], {"staging": "../k8s/overlays/staging"}),
    ],
)  # fmt: skip
def test_manifests_are_found_by_what_is_in_them(tmp_path: Path, files: list[str], entries: dict[str, str]) -> None:
    """Wherever they stand, but in folders for tests and readers; parts of one environment are one."""
    texts = {name: workload("other" if "other" in name else "api") for name in files}
    written = init(project(tmp_path, texts | {"main.py": SOCKET}))
    assert {
        name: said.get("extends", [""])[0] for name, said in written.items() if name not in {"backend", "local"}
    } == (entries)


def test_places_of_the_same_name_are_environments_of_their_own(tmp_path: Path) -> None:
    files = {"a/staging/api.yaml": workload("api"), "b/staging/api.yaml": workload("api"), "main.py": SOCKET}
    written = init(project(tmp_path, files))
    assert {"staging", "b-staging"} <= set(written)


def test_what_is_written_is_told_though_it_is_not_in_order(tmp_path: Path) -> None:
    """The files are there then, and who reads the mistake knows where to look."""
    compose = "services: {api: {build: ., env_file: .env}}\n"
    folder = project(
        tmp_path, {"compose.yaml": compose, "Dockerfile": DOCKERFILE, "main.py": SOCKET, ".env.example": ""}
    )
    result = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"])
    assert result.exit_code == 2
    told = [Path(line.split()[1]).name for line in result.output.splitlines() if line.startswith("written")]
    assert told == ["backend.toml", "local.toml", "cloud.toml"]
    assert "copy .env.example to it" in result.output


def test_local_is_what_the_others_are_compared_with(tmp_path: Path) -> None:
    """Whatever the order of their names."""
    written = init(project(tmp_path, {"main.py": SOCKET, "docker.env": "A=1\n", "local.env": "A=2\n"}))
    assert [name for name, said in written.items() if said.get("baseline")] == ["local"]


def test_what_was_written_for_one_of_several_services_is_held_against_its_files(tmp_path: Path) -> None:
    """`import --check` knows from the environments which service is meant."""
    compose = "services:\n  web: {build: ./web}\n  api: {build: ./api}\n"
    files = {"compose.yaml": compose, "web/Dockerfile": DOCKERFILE, "api/Dockerfile": DOCKERFILE, "api/main.py": SOCKET}
    folder = project(tmp_path, files)
    init(folder)
    options = ["--backend", str(folder / "backend.toml"), "--environments", str(folder / "environments")]
    result = CliRunner().invoke(app, ["import", "--check", *options])
    assert (result.exit_code, result.output) == (0, "the environments say what the deployment's files say\n")


IMAGES = """\
services:
  db: {image: postgres}
  proxy: {image: nginx}
  app: {image: registry.example/team/chat-room:2, environment: {DATABASE_URL: postgres://a:b@db/a}}
"""


@pytest.mark.parametrize(("package", "chosen"), [("chat", True), ("chat-room", True), ("room", False)])
def test_an_image_that_is_called_as_the_project_is_may_be_the_backend(
    tmp_path: Path, package: str, chosen: bool
) -> None:
    """Where nothing is built by the compose file: of others nobody knows that they are this project's."""
    files = {"compose.yaml": IMAGES, "package.json": f'{{"name": "{package}"}}', "main.py": SOCKET}
    written = init(project(tmp_path / "x", files))
    assert written["local"].get("extends") == (["../compose.yaml#app"] if chosen else None)


def test_of_services_of_one_image_the_server_of_asgi_is_the_backend(tmp_path: Path) -> None:
    """Workers and what serves pages are started of the same code."""
    served = {"pages": "python manage.py runserver", "work": "celery -A a worker", "live": "daphne a.asgi:application"}
    lines = "".join(f"  {name}: {{build: ./back, command: {words}}}\n" for name, words in served.items())
    files = {"compose.yaml": f"services:\n{lines}", "back/Dockerfile": DOCKERFILE, "back/a.py": SOCKET}
    assert init(project(tmp_path, files))["local"]["extends"] == ["../compose.yaml#live"]


def test_a_program_begins_above_its_websocket_where_nothing_is_built(tmp_path: Path) -> None:
    files = {"back/src/manage.py": "", "back/src/a/asgi.py": "", "back/src/a/routing.py": ROUTING}
    process = init(project(tmp_path, files))["backend"]["process"]
    assert (process["folder"], process["command"][-1]) == ("back/src", "a.asgi:application")


def test_what_compose_reads_by_itself_is_read_on_a_laptop(tmp_path: Path) -> None:
    """Its override goes over its own file, and over no other environment's."""
    compose = "services: {api: {build: .}}\n"
    files = {"compose.yaml": compose, "Dockerfile": DOCKERFILE, "main.py": SOCKET}
    files |= {
        "compose.override.yaml": "services: {api: {environment: {A: 1}}}\n",
        "compose.prod.yaml": "services: {api: {}}\n",
    }
    written = init(project(tmp_path, files))
    assert written["local"]["extends"] == ["../compose.yaml#api", "../compose.override.yaml#api"]
    assert written["production"]["extends"] == ["../compose.yaml#api", "../compose.prod.yaml#api"]


def test_a_compose_file_that_is_none_is_told_as_that(tmp_path: Path) -> None:
    folder = project(tmp_path, {"compose.yaml": "services:\n  a: [\n", "main.py": SOCKET})
    lines = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"]).output.splitlines()
    (told,) = [line for line in lines if line.startswith("not taken")]
    assert "compose.yaml: line 3: expected valid YAML" in told
