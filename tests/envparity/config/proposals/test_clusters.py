"""What `envparity init` makes of charts, kustomizations and rendered objects; programs that render are stand-ins."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envparity.faces.cli.app import app

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers: [{{name: web, image: a/b, env: [{{name: LOG_LEVEL, value: info}}]}}]
---
"""
WEB, WORKER = DEPLOYMENT.format(name="web"), DEPLOYMENT.format(name="worker")
CODE = {
    "server.js": "new WebSocketServer({ server, path: '/live' })\n",
    "package.json": '{"scripts": {"start": "node server.js"}}',
}
CHART = {
    "charts/web/Chart.yaml": "name: web\n",
    "charts/web/values.yaml": "level: debug\n",
    "charts/web/values-prod.yaml": "level: info\n",
    "charts/web/values.staging.yaml": "level: info\n",
    "charts/web/values-example.yaml": "level: info\n",
    "charts/web/templates/web.yaml": "kind: {{ .Values.kind }}\n",
    "charts/web/charts/redis/Chart.yaml": "name: redis\n",
}
KUSTOMIZATIONS = {
    "kustomize/base/kustomization.yaml": "resources: [web.yaml]\n",
    "kustomize/base/web.yaml": WEB,
    "kustomize/staging/kustomization.yaml": "resources: [../base]\n",
    "kustomize/prod/kustomization.yml": "resources: [../base]\npatches: []\n",
}
# A stand-in takes what the manuals say of `helm template NAME CHART --values FILE`, `kustomize build DIR` and
# `kubectl kustomize DIR`, and nothing else.
STAND_IN = """#!{python}
import pathlib, sys
asked = sys.argv[1:]
name = pathlib.Path(sys.argv[0]).name
place = pathlib.Path(asked[2] if name == "helm" else asked[1])
if name == "helm":
    well = asked[:2] == ["template", "web"] and (place / "Chart.yaml").is_file()
    values = asked[3:4] == ["--values"] and len(asked) == 5 and pathlib.Path(asked[4]).is_file()
    well = well and (values or len(asked) == 3)
else:
    well = asked[0] == {{"kustomize": "build", "kubectl": "kustomize"}}[name] and len(asked) == 2
    well = well and any(place.glob("kustomization.y*ml"))
if not well:
    sys.exit("unknown: " + " ".join(asked))
sys.stdout.write({text!r})
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(programs: Path, name: str, text: str = WEB) -> None:
    """A stand-in that prints that."""
    (programs / name).write_text(
        STAND_IN.format(python=sys.executable, text=text).replace("{{", "{").replace("}}", "}")
    )
    (programs / name).chmod(0o755)


def project(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = tmp_path / "live" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "live"


def init(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run", *options])


def extended(folder: Path) -> dict[str, list[str]]:
    """What each environment extends."""
    read = {path.stem: tomllib.loads(path.read_text()) for path in (folder / "environments").iterdir()}
    return {name: said.get("extends", []) for name, said in read.items()}


def test_each_file_of_values_of_a_chart_is_an_environment(tmp_path: Path, programs: Path) -> None:
    """But examples, its own defaults, and charts that it depends on."""
    install(programs, "helm")
    folder = project(tmp_path, CODE | CHART)
    result = init(folder)
    assert result.exit_code == 0, result.output
    values = {"production": "values-prod.yaml", "staging": "values.staging.yaml"}
    assert extended(folder) == {name: [f"../charts/web/{file}"] for name, file in values.items()}


def test_a_chart_without_further_values_is_the_cluster(tmp_path: Path, programs: Path) -> None:
    """As it is by itself."""
    install(programs, "helm")
    folder = project(
        tmp_path, CODE | {name: text for name, text in CHART.items() if "values" not in name} | {".env": ""}
    )
    assert init(folder).exit_code == 0
    assert extended(folder) == {"cluster": ["../charts/web"], "local": ["../.env"]}


@pytest.mark.parametrize("program", ["kustomize", "kubectl"])
def test_kustomizations_are_environments_but_their_bases(tmp_path: Path, programs: Path, program: str) -> None:
    """Wherever they stand, rendered by either program."""
    install(programs, program)
    folder = project(tmp_path, CODE | KUSTOMIZATIONS)
    result = init(folder)
    assert result.exit_code == 0, result.output
    assert extended(folder) == {"production": ["../kustomize/prod"], "staging": ["../kustomize/staging"]}


@pytest.mark.usefixtures("programs")
def test_what_nobody_here_can_render_is_told_in_a_line_and_not_written(tmp_path: Path) -> None:
    """With the program that is missing, and the command whose output is piped."""
    folder = project(tmp_path, CODE | CHART | KUSTOMIZATIONS)
    result = init(folder)
    assert result.exit_code == 0, result.output
    assert set(extended(folder)) == {"local", "cloud"}
    lines = [line for line in result.output.splitlines() if line.startswith("not taken")]
    said = {line.split()[2].rstrip(":"): line for line in lines}
    assert set(said) == {
        *("charts/web/values-prod.yaml", "charts/web/values.staging.yaml", "kustomize/prod", "kustomize/staging")
    }
    chart = folder / "charts" / "web"
    assert f"helm template web {chart} --values {chart / 'values-prod.yaml'} | " in said["charts/web/values-prod.yaml"]
    assert f"kustomize build {folder / 'kustomize' / 'prod'} | " in said["kustomize/prod"]


@pytest.mark.usefixtures("programs")
def test_a_kustomization_of_plain_files_needs_no_program(tmp_path: Path) -> None:
    """What stands there is what it builds."""
    files = {"k8s/kustomization.yaml": "resources: [web.yaml]\n", "k8s/web.yaml": WEB}
    folder = project(tmp_path, CODE | files)
    assert init(folder).exit_code == 0
    assert extended(folder)["cluster"] == ["../k8s"]


def test_of_several_workloads_one_is_the_backend(tmp_path: Path) -> None:
    """The first that is proposed, or the one that is said; a folder without workloads is told, and not written."""
    files = {"k8s/all.yaml": WORKER + WEB, "deploy/prometheus.yaml": "global: {}\n"}
    for options, named in (((), "worker"), (("--workload", "web"), "web")):
        folder = project(tmp_path / named, CODE | files)
        result = init(folder, *options)
        assert result.exit_code == 0, result.output
        assert extended(folder)["cluster"] == [f"../k8s#{named}"]
        assert "deploy" not in str(extended(folder))
