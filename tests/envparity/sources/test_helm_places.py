"""Where what a chart is rendered to stands in the chart: in a template, in its values, never nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.sources import kubernetes_objects
from envparity.sources.kubernetes_objects import objects
from envparity.sources.yaml_nodes import Node
from tests.envparity.sources.reading import differing, environment, place, program, put

TEMPLATE = """\
{{- $name := include "web.name" . }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
spec:
  {{- if not .Values.autoscaling }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"  # what was built
          env:
            - name: LOG_LEVEL
              value: {{ .Values.logLevel | quote }}
            - name: REGION
              value: "eu"
            {{- if .Values.debug }}
            - name: DEBUG
              value: "1"
            {{- end }}
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
            {{- with .Values.more }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
            - {name: MADE, value: {{ printf "%s-made" $name }}}
          envFrom:
            - configMapRef: {name: web}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}
data:
  LEVEL: {{ .Values.logLevel }}
  FEATURE: "{{ .Values.global.feature }}"
"""
VALUES = """\
replicas: 1
logLevel: info
image:
  name: a/web
  tag: "1"
env:
  COLOUR: red
  SIZE: "9"
more:
  - name: EXTRA
    value: "yes"
resources:
  limits:
    memory: 256Mi
    cpu: 500m
global: {feature: "on"}
"""
EU = "logLevel: warn\nresources:\n  limits:\n    memory: 512Mi\n"
RENDERED = """\
---
# Source: web/templates/web.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  LEVEL: warn
  FEATURE: "on"
---
# Source: web/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: "a/web:1"
          env:
            - name: LOG_LEVEL
              value: "warn"
            - name: REGION
              value: "eu"
            - name: COLOUR
              value: "red"
            - name: SIZE
              value: "9"
            - name: EXTRA
              value: "yes"
            - {name: MADE, value: web-made}
          envFrom:
            - configMapRef: {name: web}
          resources:
            limits:
              cpu: 500m
              memory: 512Mi
"""
PLACES = {
    "settings.LEVEL": "values-eu.yaml:1",
    "settings.FEATURE": "values.yaml:16",
    "settings.LOG_LEVEL": "values-eu.yaml:1",
    "settings.REGION": "web.yaml:20",
    "settings.COLOUR": "values.yaml:7",
    "settings.SIZE": "values.yaml:8",
    "settings.EXTRA": "values.yaml:11",
    "settings.MADE": "web.yaml:32",
    "platform.cpus": "values.yaml:15",
    "platform.memory_mib": "values-eu.yaml:4",
    "image": "web.yaml:15",
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of the project's own, with values of one environment."""
    files = {
        "Chart__yaml": "name: web\n",
        "values__yaml": VALUES,
        "values-eu__yaml": EU,
        "templates___web__yaml": TEMPLATE,
    }
    put(tmp_path, **{f"deploy___web___{name}": text for name, text in files.items()})
    return tmp_path


def test_each_value_stands_where_the_chart_says_it(chart: Path, programs: Path) -> None:
    """What a template writes out is there, what it takes from values in the last file that says it, tables too."""
    program(programs, "helm", RENDERED)
    made = environment(chart, "deploy/web/values-eu.yaml#web")
    assert {key: place(made, key) for key in PLACES} == PLACES


def test_a_difference_points_to_both_files_of_values(chart: Path, programs: Path) -> None:
    program(programs, "helm", RENDERED)
    there = environment(chart, "deploy/web/values-eu.yaml#web")
    program(programs, "helm", RENDERED.replace("warn", "info").replace("512Mi", "256Mi"))
    here = environment(chart, "deploy/web#web", name="local")
    assert differing(here, there) == {
        "settings: LOG_LEVEL": ("info (values.yaml:2)", "warn (values-eu.yaml:1)"),
        "settings: LEVEL": ("info (values.yaml:2)", "warn (values-eu.yaml:1)"),
        "platform: memory_mib": ("256 (values.yaml:14)", "512 (values-eu.yaml:4)"),
    }


@pytest.mark.parametrize("piped", [True, False])
def test_what_was_rendered_before_points_to_the_chart_as_well(
    chart: Path, piped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From standard input, and from a file beside the chart: which values it was rendered with, they themselves say."""
    monkeypatch.chdir(chart)
    put(chart, out___rendered__yaml=RENDERED)
    monkeypatch.setattr(kubernetes_objects, "standard_input", RENDERED.encode)
    made = environment(chart, "-#web" if piped else "out/rendered.yaml#web")
    assert {key: place(made, key) for key in PLACES} == PLACES


def test_of_two_files_of_values_that_may_have_said_it_none_is_named(
    chart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who rendered it knows which; the template's line takes it from there."""
    monkeypatch.chdir(chart)
    put(chart, **{"deploy___web___values-us__yaml": "logLevel: warn\n", "rendered__yaml": RENDERED})
    assert place(environment(chart, "rendered.yaml#web"), "settings.LOG_LEVEL") == "web.yaml:18"


def test_what_was_rendered_of_no_chart_here_stands_in_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, rendered__yaml=RENDERED)
    assert place(environment(tmp_path, "rendered.yaml#web"), "settings.REGION") == "rendered.yaml:27"


INNER = RENDERED.replace("web/templates/web.yaml", "all/charts/web/templates/web.yaml")


def test_a_chart_that_another_depends_on_has_its_values_from_both(tmp_path: Path, programs: Path) -> None:
    """Its own file of them, and what the outer one says under its name."""
    put(tmp_path, all___Chart__yaml="name: all\n", all___values__yaml="web:\n  logLevel: warn\n")
    put(tmp_path, all___charts___web___templates___web__yaml=TEMPLATE, all___charts___web___values__yaml=VALUES)
    program(programs, "helm", INNER)
    made = environment(tmp_path, "all#web")
    assert made.places["settings.LOG_LEVEL"].endswith("all/values.yaml:2")
    assert made.places["settings.COLOUR"].endswith("all/charts/web/values.yaml:7")


@pytest.mark.parametrize(
    ("source", "at"),
    [
        ("# Source: web/templates/web.yaml\n", "web.yaml:12"),
        ("", "Chart.yaml:1"),
        ("# Source: web/charts/a/b.yaml\n", "Chart.yaml:1"),
    ],
)
def test_nothing_stands_nowhere(chart: Path, programs: Path, source: str, at: str) -> None:
    """What neither template nor values say is where the object begins; without its template, at the chart."""
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {b: {c: [1, {d: e}]}}}}\n"
    )
    program(programs, "helm", f"---\n{source}{text}")
    (found,) = objects(chart / "deploy" / "web").every

    def all_of(node: Node) -> list[Node]:
        under = list(node.value.values()) if isinstance(node.value, dict) else node.value
        return [node, *(leaf for each in (under if isinstance(under, list) else []) for leaf in all_of(each))]

    nodes = all_of(found)
    assert all(node.line > 0 and node.path.is_file() for node in nodes)
    assert f"{nodes[-1].path.name}:{nodes[-1].line}" == at


def test_a_field_of_another_thing_says_nothing(chart: Path, programs: Path) -> None:
    """A name that values give something else is not where an object's own was made."""
    put(chart, deploy___web___values__yaml=VALUES + "probe: {containerPort: '8080'}\n")
    ports = "          ports: [{name: http, containerPort: 8080}]\n          env:\n"
    program(programs, "helm", RENDERED.replace("          env:\n", ports))
    assert place(environment(chart, "deploy/web#web"), "platform.port") == "web.yaml:14"
