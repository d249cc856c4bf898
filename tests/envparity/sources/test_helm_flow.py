"""Flow style in the templates of a chart: where each value stands, however deep."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.sources.helm_templates import Template, Written
from tests.envparity.sources.reading import environment, place, program, put

TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {terminationGracePeriodSeconds: {{ .Values.grace }}, containers: [
  {name: web, image: "web:{{ .Values.tag }}",
   env: [{name: LOG_LEVEL, value: {{ .Values.logLevel | quote }}},
         {value: "eu, west", name: REGION},
         {{- if .Values.debug }}{name: DEBUG, value: "1"},{{ end }}
         {name: "{{ .Values.prefix }}_MODE", value: fast}],
   resources: {limits: {memory: 256Mi}}}]}}}
"""
VALUES = "grace: 12\nlogLevel: info\ntag: '7'\nprefix: APP\ndebug: true\n"
RENDERED = """\
---
# Source: web/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {terminationGracePeriodSeconds: 12, containers: [
  {name: web, image: "web:7", env: [{name: LOG_LEVEL, value: "info"}, {value: "eu, west", name: REGION},
  {name: DEBUG, value: "1"}, {name: APP_MODE, value: fast}], resources: {limits: {memory: 256Mi}}}]}}}
"""


def test_what_flow_style_writes_has_its_line(tmp_path: Path, programs: Path) -> None:
    """Over several lines, a name behind its value, between conditions, and with a name that is made."""
    put(tmp_path, web___Chart__yaml="name: web\n", web___values__yaml=VALUES, web___templates___web__yaml=TEMPLATE)
    program(programs, "helm", RENDERED)
    made = environment(tmp_path, "web#web")
    places = {
        "settings.LOG_LEVEL": "values.yaml:2",
        "settings.REGION": "web.yaml:7",
        "settings.DEBUG": "web.yaml:8",
        "settings.APP_MODE": "web.yaml:9",
        "platform.stop_grace_s": "values.yaml:1",
        "platform.memory_mib": "web.yaml:10",
        "image": "web.yaml:5",
    }
    assert {key: place(made, key) for key in places} == places


def _shown(written: Written) -> tuple[int, str, str]:
    way = (part if isinstance(part, str) else f"[{part.name}]" for part in written.way)
    return written.line, ".".join(way), written.said


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- {name: A, value: b}\n", [(1, "[A]", "{name: A, value: b}"), (1, "[A].name", "A"), (1, "[A].value", "b")]),
        (
            "env: [a, {b: c}]\n",
            [(1, "env", "[a, {b: c}]"), (1, "env.[]", "a"), (1, "env.[]", ""), (1, "env.[].b", "c")],
        ),
        ("a: [b,\n  c]\nd: e\n", [(1, "a", "[b,"), (1, "a.[]", "b"), (2, "a.[]", "c"), (3, "d", "e")]),
        ("a: {b: {{ .x }}, c: }\n", [(1, "a", "{b: {{ .x }}, c: }"), (1, "a.b", "{{ .x }}"), (1, "a.c", "")]),
        ("a: {\nb: c\n", [(1, "a", "{"), (2, "b", "c")]),
        ("a: [}, b]\nc: d\n", [(1, "a", "[}, b]"), (1, "a.[]", ""), (1, "a.[]", "b"), (2, "c", "d")]),
    ],
)
def test_what_a_template_writes_in_flow_style(text: str, found: list[tuple[int, str, str]]) -> None:
    """Elements and keys below each other; what does not end goes no further than its line."""
    assert [_shown(written) for written in Template(text).written] == found


def test_a_template_however_deep_is_read() -> None:
    """To a depth that nobody writes, and no further."""
    written = Template("a: " + "[" * 5000 + "]" * 5000 + "\n").written
    assert max(len(each.way) for each in written) < 100
