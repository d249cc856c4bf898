"""Previews of a blueprint of Render: what is other in them than in what they are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import FromSource
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put

BLUEPRINT = """\
previews: {generation: automatic, expireAfterDays: 3}
services:
  - type: web
    name: api
    plan: standard
    scaling: {minInstances: 2, maxInstances: 4}
    domains: [api.example]
    previews: {plan: starter}
    envVars:
      - key: LOG
        value: json
        previewValue: text
      - {key: API_KEY, sync: false}
      - {key: PAYMENTS_URL, fromService: {type: pserv, name: payments, property: host}, previewValue: sandbox}
      - {key: CACHE, fromService: {type: keyvalue, name: cache, property: host}}
      - fromGroup: shared
  - {type: keyvalue, name: cache}
  - {type: pserv, name: payments, previews: {generation: off}}
envVarGroups:
  - {name: shared, envVars: [{key: REGION, value: eu, previewValue: us}, {key: MODE, value: a}]}
"""


def test_a_preview_has_values_and_a_size_of_its_own(tmp_path: Path) -> None:
    """Each where it is said; what is typed in for production it has not, nor its name, nor what makes no previews."""
    put(tmp_path, render__yaml=BLUEPRINT)
    made = environment(tmp_path, "render.yaml#api/preview", name="preview")
    production = environment(tmp_path, "render.yaml#api")
    cache = FromSource("redis.host")
    assert made.settings == {"LOG": "text", "PAYMENTS_URL": "sandbox", "CACHE": cache, "REGION": "us", "MODE": "a"}
    assert production.settings == {"LOG": "json", "CACHE": cache, "REGION": "eu", "MODE": "a"}
    assert (place(made, "settings.LOG"), place(production, "settings.LOG")) == ("render.yaml:12", "render.yaml:11")
    assert (made.platform.replicas, made.ingress.host == production.ingress.host) == (2, False)
    told = notes(made, known=True)
    assert set(told) == {"settings.API_KEY", "plan"}
    assert told["plan"] == "starter"
    assert "ingress host" in notes(made, known=False)
    found = differing(production, made)
    assert found["settings: LOG"] == ("json (render.yaml:11)", "text (render.yaml:12)")
    assert "settings: API_KEY" in found


def test_how_many_instances_a_preview_has(tmp_path: Path) -> None:
    """As many as it says itself, in place of what scales; in the older keys of a blueprint it has a plan alone."""
    own = "{type: web, name: api, scaling: {minInstances: 2, maxInstances: 3}, previews: {numInstances: 1}, plan: pro}"
    put(tmp_path, render__yaml=f"previews: {{generation: manual}}\nservices: [{own}]\n")
    assert environment(tmp_path, "render.yaml#/preview").platform.replicas == 1
    older = "{type: web, name: api, plan: pro, previewPlan: free, numInstances: 3}"
    put(tmp_path, render__yaml=f"previewsEnabled: true\nservices: [{older}]\n")
    made = environment(tmp_path, "render.yaml#/preview")
    assert (made.platform.replicas, notes(made, known=True)["plan"]) == (3, "free")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (BLUEPRINT, "#api/staging"),
        (BLUEPRINT, "#payments/preview"),
        (BLUEPRINT.replace("automatic", "off"), "#api/preview"),
        ("services: [{type: web, name: api}]\n", "#/preview"),
    ],
)
def test_what_makes_no_preview_is_a_mistake(tmp_path: Path, text: str, part: str) -> None:
    """Another word than that, a service without, and a blueprint without."""
    put(tmp_path, render__yaml=text)
    assert len(mistakes(tmp_path, f"render.yaml{part}")) == 1
