"""A preset is the figures that documents state, one by one; the page has each with its source and a date."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

import envparity
from envparity.config.environment import load_environment
from envparity.faces.cli.diff_sections import sections
from envparity.isolate.traits import differences
from envparity.model.environment import Environment, Ingress
from envparity.model.ingress_presets import PRESETS, WITHOUT_LIMITS
from envparity.model.project import Project
from tests.docs.pages import blocks, tables
from tests.envparity.report.recorded import PROJECT

PAGE = "docs/environment-file.md"


def loaded(folder: Path, keys: str) -> Ingress:
    file = folder / "a.toml"
    file.write_text(f'name = "a"\n[ingress]\nkind = "nginx"\n{keys}\n', encoding="utf-8")
    environment, mistakes = load_environment(file)
    assert environment is not None, mistakes
    return environment.ingress


def test_every_figure_has_its_source_and_its_date() -> None:
    """The table is the presets, and links to where each figure is said."""
    stated: dict[str, dict[str, object]] = {}
    for preset, key, value, source, date in tables(PAGE)["Presets of [ingress]"]:
        read = tomllib.loads(f"value = {value.strip('`')}")["value"]
        stated.setdefault(preset.strip("`"), {})[key.strip("`")] = tuple(read) if isinstance(read, list) else read
        assert re.search(r"<https://[^>]+>", source), (preset, key)
        assert dt.date.fromisoformat(date) <= dt.date(2026, 11, 28)
    assert stated == PRESETS


def test_the_schema_knows_the_presets() -> None:
    """For editors, and for who misspells one."""
    schema = json.loads(
        (Path(envparity.__file__).parent / "schemas" / "environment.schema.json").read_text(encoding="utf-8")
    )
    assert schema["$defs"]["ingress"]["properties"]["preset"]["enum"] == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_figures_and_no_other_limit(tmp_path: Path, name: str) -> None:
    """Those that no document states are so generous that nothing meets them."""
    expected = msgspec.structs.replace(Ingress("nginx"), **{**WITHOUT_LIMITS, **PRESETS[name]})
    assert loaded(tmp_path, f'preset = "{name}"') == expected


def test_a_key_beside_a_preset_goes_before_it(tmp_path: Path) -> None:
    """Whichever of the two stands first."""
    assert loaded(tmp_path, 'max_lifetime_s = 3600\npreset = "cloud-run"').max_lifetime_s == 3600
    assert loaded(tmp_path, 'preset = "alb"\nforwarded = ["for"]').forwarded == ("for",)


def test_the_example_of_the_page_says_what_it_says(tmp_path: Path) -> None:
    """The one figure is the file's own, and nothing else of the platform is limited."""
    (block,) = (block for block in blocks(PAGE, "toml") if "preset" in block.text)
    file = tmp_path / "staging.toml"
    file.write_text(block.text, encoding="utf-8")
    environment, mistakes = load_environment(file)
    assert mistakes == []
    assert environment is not None
    assert environment.ingress == Ingress("nginx", affinity="cookie", max_lifetime_s=3600, **WITHOUT_LIMITS)


def test_causes_and_diff_name_the_figure_and_not_the_preset(tmp_path: Path) -> None:
    """As if the file had said it by itself."""
    environment = Environment("a", ingress=loaded(tmp_path, 'preset = "heroku"'))
    other = Environment("b", ingress=loaded(tmp_path, 'preset = "gke"'))
    assert [str(trait) for trait in differences(environment, other)] == [
        "ingress.idle_timeout_s=86400",
        "ingress.max_lifetime_s=30",
    ]
    project = Project(PROJECT.backend, {"a": environment, "b": other}, PROJECT.today)
    (ingress,) = [section for section in sections(project) if section.title == "ingress"]
    assert [row.name for row in ingress.rows] == ["idle_timeout_s", "max_lifetime_s"]


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ('preset = "cloudrun"\nkind = "nginx"', "preset"),
        ('preset = "gke"', "preset"),
        ('http2 = true\nkind = "nginx"', "http2"),
        ("http2 = true", "http2"),
        ('preset = "alb"\ndrop_headers = ["x-forwarded-port"]\nkind = "nginx"', "drop_headers"),
    ],
)
def test_what_has_no_effect_is_a_mistake(tmp_path: Path, keys: str, key: str) -> None:
    """A preset that is none, or stands where there is no ingress; HTTP/2; and what a preset sets, dropped."""
    file = tmp_path / "a.toml"
    file.write_text(f'name = "a"\n[ingress]\n{keys}\n', encoding="utf-8")
    (mistake,) = load_environment(file)[1]
    assert mistake.key == f"ingress.{key}"


def test_http2_that_is_off_is_what_it_is(tmp_path: Path) -> None:
    """No mistake."""
    assert loaded(tmp_path, "http2 = false") == Ingress("nginx")
