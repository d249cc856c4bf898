"""What a program renders, and what is piped: by programs of these tests on the path, and without any."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from envparity.sources.rendering import Rendering, standard_input
from tests.envparity.sources.reading import environment, mistakes, notes, place, program, put

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          image: api
          env:
            - {name: LOG_LEVEL, value: info}
            - {name: REGION, value: eu}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers:
        - name: api
          env:
            - {name: REGION, value: us}
"""
RENDERED = DEPLOYMENT.replace("eu", "us") + "            - {name: MADE, value: here}\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """An overlay that patches a base."""
    put(
        tmp_path,
        base___kustomization__yaml="resources: [api.yaml]\n",
        base___api__yaml=DEPLOYMENT,
        staging___kustomization__yaml="resources: [../base]\npatches: [{path: patch.yaml}]\n",
        staging___patch__yaml=PATCH,
    )
    return tmp_path


@pytest.mark.parametrize(("name", "asked"), [("kustomize", "build"), ("kubectl", "kustomize")])
def test_an_overlay_is_rendered(team: Path, programs: Path, name: str, asked: str) -> None:
    """By either program; each value stands in the file of the base or of the patch that says it."""
    program(programs, name, RENDERED)
    made = environment(team, "staging#api")
    assert made.settings == {"LOG_LEVEL": "info", "REGION": "us", "MADE": "here"}
    assert (programs / "asked").read_text() == f"{asked} {team / 'staging'}"
    assert (place(made, "settings.LOG_LEVEL"), place(made, "settings.REGION")) == ("api.yaml:11", "patch.yaml:10")
    assert place(made, "settings.MADE") == "kustomization.yaml:1"
    assert ".." not in made.places["settings.LOG_LEVEL"]


INLINE = """\
resources: [../base]
replicas:
  - name: api
    count: 3
patches:
  - target: {kind: Deployment, name: ap.*}
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/env/1/value
        value: us
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: MADE, value: here}}
  - target: {kind: Service, name: api}
    patch: "[{op: replace, path: /spec/template/spec/containers/0/env/0/value, value: info}]"
  - path: operations.yaml
    target: {kind: Deployment}
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: api}
      spec: {template: {spec: {containers: [{name: api, env: [{name: COLOUR, value: red}]}]}}}
"""
OPERATIONS = """\
- op: add
  path: /spec/template/spec/containers/0/env/2
  value: {name: SIZE, value: "9"}
"""


def test_what_a_patch_sets_stands_where_the_patch_says_it(team: Path, programs: Path) -> None:
    """Operations of JSON Patch in a file and in the kustomization, objects in it, and its counts of replicas."""
    put(team, staging___kustomization__yaml=INLINE, staging___operations__yaml=OPERATIONS)
    made = [("SIZE", "9"), ("MADE", "here"), ("COLOUR", "red")]
    more = "".join(f'            - {{name: {name}, value: "{value}"}}\n' for name, value in made)
    rendered = (DEPLOYMENT + more).replace("value: eu", "value: us").replace("spec:\n", "spec:\n  replicas: 3\n", 1)
    program(programs, "kustomize", rendered)
    read = environment(team, "staging#api")
    assert {name: place(read, f"settings.{name}") for name in read.settings} == {
        "LOG_LEVEL": "api.yaml:11",
        "REGION": "kustomization.yaml:10",
        "MADE": "kustomization.yaml:11",
        "SIZE": "operations.yaml:3",
        "COLOUR": "kustomization.yaml:20",
    }
    (replicas,) = [note.place for note in read.notes if note.name == "platform.replicas"]
    assert replicas.endswith("/kustomization.yaml:4")


def test_what_a_kustomization_generates_stands_where_it_says_it(team: Path, programs: Path) -> None:
    """In the kustomization, or in a file of variables beside it, though its name has a hash behind it."""
    kustomization = "resources: [../base]\nconfigMapGenerator:\n  - name: more\n    envs: [more.env]\n    literals:\n"
    put(team, staging___kustomization__yaml=f'{kustomization}      - COLOUR="red"\n', staging___more__env="#\nSIZE=9\n")
    uses = "          envFrom: [{configMapRef: {name: more-2f8k7c9m4d}}]\n"
    data = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more-2f8k7c9m4d}\ndata: {COLOUR: red, SIZE: '9'}\n"
    program(programs, "kustomize", DEPLOYMENT + uses + data)
    made = environment(team, "staging#api")
    assert (made.settings["COLOUR"], made.settings["SIZE"]) == ("red", "9")
    assert (place(made, "settings.COLOUR"), place(made, "settings.SIZE")) == ("kustomization.yaml:6", "more.env:2")


RENAMING = """\
resources: [../base]
namePrefix: eu-
nameSuffix: -staging
images:
  - {name: other, newTag: "1"}
  - name: api
    newName: registry.example/api
    newTag: "7"
patches: [{path: patch.yaml}]
configMapGenerator: [{name: more, literals: [SIZE=9]}]
"""


def test_what_is_renamed_has_its_places(team: Path, programs: Path) -> None:
    """By a prefix, a suffix, or as an image: in the files it has its own name."""
    put(team, staging___kustomization__yaml=RENAMING)
    uses = "          envFrom: [{configMapRef: {name: eu-more-staging-2f8k7c9m4d}}]\n"
    data = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: eu-more-staging-2f8k7c9m4d}\ndata: {SIZE: '9'}\n"
    rendered = RENDERED.replace("{name: api}", "{name: eu-api-staging}") + uses + data
    program(programs, "kustomize", rendered.replace("image: api", "image: registry.example/api:7"))
    made = environment(team, "staging")
    assert (place(made, "settings.LOG_LEVEL"), place(made, "settings.REGION")) == ("api.yaml:11", "patch.yaml:10")
    assert (place(made, "settings.SIZE"), place(made, "image")) == ("kustomization.yaml:10", "kustomization.yaml:8")


@pytest.mark.usefixtures("programs")
def test_where_it_is_not_installed_that_is_said(team: Path) -> None:
    """The files are read as they stand, and the note names the program."""
    made = environment(team, "base#api")
    assert made.settings == {"LOG_LEVEL": "info", "REGION": "eu"}
    assert "kustomize" in notes(made, known=False)["rendered objects"]


@pytest.mark.parametrize(("entry", "asked"), [("chart#api", ""), ("chart/values-eu.yaml#api", " --values {}")])
def test_a_chart_is_rendered(tmp_path: Path, programs: Path, entry: str, asked: str) -> None:
    """With its own values, or with a file of them that is named."""
    put(tmp_path, chart___Chart__yaml="name: api\n", **{"chart___values-eu__yaml": "region: us\n"})
    put(tmp_path, chart___templates___api__yaml="kind: {{ .Values.kind }}\n")
    program(programs, "helm", RENDERED)
    made = environment(tmp_path, entry)
    assert made.settings["REGION"] == "us"
    chart = tmp_path / "chart"
    assert (programs / "asked").read_text() == f"template chart {chart}" + asked.format(chart / "values-eu.yaml")


@pytest.mark.usefixtures("programs")
def test_a_chart_that_nobody_can_render_is_a_mistake(tmp_path: Path) -> None:
    """With what to do, for its templates are no objects."""
    put(tmp_path, chart___Chart__yaml="name: api\n", chart___templates___api__yaml="kind: {{ .Values.kind }}\n")
    (mistake,) = mistakes(tmp_path, "chart#api")
    assert "helm" in mistake.expected
    assert "helm template" in mistake.action


def test_what_cannot_be_rendered_says_why(team: Path, programs: Path) -> None:
    """In the last words of the program."""
    program(programs, "kustomize", "first\nno such patch", code=1)
    (mistake,) = mistakes(team, "staging#api")
    assert mistake.got.endswith("no such patch")


def test_a_program_that_does_not_end_is_ended(
    team: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With what it has started, which would hold on to its output."""
    child = tmp_path / "child"
    script = "import os, subprocess, sys, time\n"
    script += f"began = subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(600)'])\n"
    script += f"open({str(child)!r}, 'w').write(str(began.pid))\ntime.sleep(600)\n"
    (programs / "kustomize").write_text(f"#!{sys.executable}\n{script}")
    (programs / "kustomize").chmod(0o755)
    monkeypatch.setattr(Rendering, "within_s", 3.0)
    (mistake,) = mistakes(team, "staging#api")
    assert "3 s" in mistake.got
    state = Path(f"/proc/{child.read_text()}/stat")
    deadline = time.monotonic() + 20
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("code", [0, 1])
def test_what_prints_without_end_is_ended(team: Path, programs: Path, code: int) -> None:
    """Objects beyond what a file may hold, and words on stderr: of these the last are told."""
    stream = ("stdout", "stderr")[code]
    script = f"import sys\nfor _ in range({5 + 30 * code}):\n    sys.{stream}.write('x' * 1024**2 + '\\n')\n"
    script += f"sys.{stream}.write('the end')\nsys.exit({code})\n"
    (programs / "kustomize").write_text(f"#!{sys.executable}\n{script}")
    (programs / "kustomize").chmod(0o755)
    (mistake,) = mistakes(team, "staging#api")
    assert ("4 MiB", "the end")[code] in mistake.got


def test_the_release_of_a_chart_is_a_name_that_helm_takes(tmp_path: Path, programs: Path) -> None:
    """At most 53 characters of lower case, however the folder is called."""
    folder = "My_Chart." + "a" * 44 + ".and-more"
    put(tmp_path / folder, Chart__yaml="name: api\n")
    program(programs, "helm", RENDERED)
    environment(tmp_path, f"{folder}#api")
    name = (programs / "asked").read_text().split()[1]
    assert name == "my-chart-" + "a" * 44


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_itself_renders_an_overlay(team: Path) -> None:
    """With what a stand-in cannot show: a patch that is merged, and a generated map that is renamed in its users."""
    kustomization = "resources: [../base]\npatches: [{path: patch.yaml}]\n"
    kustomization += "configMapGenerator: [{name: more, literals: [COLOUR=red]}]\n"
    patch = PATCH + "          envFrom: [{configMapRef: {name: more}}]\n"
    put(team, staging___kustomization__yaml=kustomization, staging___patch__yaml=patch)
    made = environment(team, "staging#api")
    assert made.settings == {"LOG_LEVEL": "info", "REGION": "us", "COLOUR": "red"}
    assert (place(made, "settings.LOG_LEVEL"), place(made, "settings.REGION")) == ("api.yaml:11", "patch.yaml:10")
    assert place(made, "settings.COLOUR") == "kustomization.yaml:3"


@contextmanager
def piped(text: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard input is a pipe with these objects in it, which ends behind them."""
    end, begin = os.pipe()
    os.write(begin, text.encode())
    os.close(begin)
    with os.fdopen(end) as there:
        monkeypatch.setattr(sys, "stdin", there)
        yield


@pytest.mark.parametrize(("text", "given"), [(RENDERED, True), ("", False), (" \n", False)])
def test_objects_can_be_piped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, given: bool) -> None:
    """As often as they are asked for; nothing is a mistake."""
    standard_input.cache_clear()
    with piped(text, monkeypatch):
        if given:
            assert [environment(tmp_path, "-#api").settings["MADE"] for _ in range(2)] == ["here", "here"]
            assert place(environment(tmp_path, "-#api"), "settings.MADE") == "<standard input>:13"
        else:
            assert [mistake.got for mistake in mistakes(tmp_path, "-#api")] == ["nothing"]
    standard_input.cache_clear()
