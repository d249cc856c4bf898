"""A team's own configuration of nginx: what it may have places for, and what is a mistake in it and beside it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envparity.config.environment import load_environment
from envparity.config.own_nginx import filled
from envparity.errors import Mistake
from envparity.faces.cli.diff_sections import sections
from envparity.isolate.traits import differences, mix
from envparity.model.environment import Environment, Ingress, OwnConfiguration
from envparity.model.project import Project
from tests.envparity.report.recorded import PROJECT, described

OWN = """server {
    listen {listen};
    # {nobody} reads a comment
    location ~ ^/a{2}/${host} { proxy_pass http://{upstream}; proxy_read_timeout {idle_timeout_s}s; }
}
"""


def read(folder: Path, keys: str = "", own: str | None = OWN) -> tuple[Environment | None, list[Mistake]]:
    if own is not None:
        (folder / "nginx").mkdir(exist_ok=True)
        (folder / "nginx" / "a.conf").write_text(own, encoding="utf-8")
    file = folder / "a.toml"
    table = f'[ingress]\nconfig = "nginx/a.conf"\nkind = "nginx"\n{keys}\n'
    file.write_text(f'name = "a"\n{table}', encoding="utf-8")
    return load_environment(file)


def test_the_environment_has_what_is_in_the_file(tmp_path: Path) -> None:
    """So that two environments with the same name for two files differ."""
    environment, mistakes = read(tmp_path, "idle_timeout_s = 30\nmax_lifetime_s = 9")
    assert mistakes == []
    assert environment is not None
    assert environment.ingress == Ingress(
        "nginx", idle_timeout_s=30, max_lifetime_s=9, config=OwnConfiguration("nginx/a.conf", OWN)
    )
    assert filled(environment.ingress) == OWN.replace("{idle_timeout_s}", "30")


@pytest.mark.parametrize(("idle_s", "written"), [(1.4, "1"), (0.2, "1"), (90.0, "90")])
def test_nginx_counts_in_whole_seconds(idle_s: float, written: str) -> None:
    """And never in none."""
    ingress = Ingress("nginx", idle_timeout_s=idle_s, config=OwnConfiguration("a", "{idle_timeout_s}s {prefix}{host}"))
    assert filled(ingress) == f"{written}s localhost"


WRONG = {
    "no file": ("", None, "config"),
    "a place that nothing fills": ("", OWN.replace("{upstream}", "{upstream}/{lost}"), "config"),
    "no place to listen": ("", OWN.replace("{listen}", "80"), "config"),
    "no place for the backend": ("", OWN.replace("{upstream}", "app"), "config"),
    "TLS without a certificate": ("tls = true", OWN + "# {certificate}\nssl_certificate_key {key};", "config"),
    "a certificate without TLS": ("", OWN + "ssl_certificate {certificate};", "config"),
    "the whole of nginx.conf": ("", "events {}\n" + OWN, "config"),
    "another key": ('forwarded = ["for"]', OWN, "forwarded"),
    "a preset": ('preset = "gke"', OWN, "preset"),
    "a cookie": ('affinity = "cookie"', OWN, "affinity"),
    "a figure without a place": ("max_body_bytes = 9", OWN, "max_body_bytes"),
}


@pytest.mark.parametrize(("keys", "own", "key"), WRONG.values(), ids=WRONG)
def test_what_would_do_nothing_is_a_mistake(tmp_path: Path, keys: str, own: str | None, key: str) -> None:
    """One, at its line, with what to do."""
    environment, (mistake,) = read(tmp_path, keys, own)
    assert environment is None
    assert (mistake.key, mistake.line) == (f"ingress.{key}", 3 if key == "config" else 5)
    assert mistake.action


@pytest.mark.parametrize("keys", ['affinity = "address"', 'prefix = "/a"\nstrip_prefix = true', "http2 = false"])
def test_what_the_run_itself_does_may_stand_beside_it(tmp_path: Path, keys: str) -> None:
    """And what says how clients ask."""
    assert read(tmp_path, keys)[1] == []


def test_without_an_ingress_it_is_a_mistake(tmp_path: Path) -> None:
    """As every key that would do nothing."""
    file = tmp_path / "a.toml"
    file.write_text('name = "a"\n[ingress]\nconfig = "nginx/a.conf"\n', encoding="utf-8")
    assert [mistake.key for mistake in load_environment(file)[1]] == ["ingress.config"]


def test_it_is_one_trait_with_what_it_has_places_for() -> None:
    """Named as the file says it; what is in it is in no cause."""
    own = OwnConfiguration("nginx/a.conf", OWN)
    environment = Environment("a", ingress=Ingress("nginx"))
    other = Environment("b", ingress=Ingress("nginx", tls=True, host="x.example", config=own))
    elsewhere = Environment("c", ingress=Ingress("nginx", prefix="/a", strip_prefix=True, forwarded=("for",)))
    prefixed = Environment("d", ingress=Ingress("nginx", prefix="/a", config=own))
    (whole,) = differences(elsewhere, prefixed)
    assert str(whole) == "ingress.config=nginx/a.conf", "the rest it does in its own way"
    assert mix(elsewhere, prefixed, [whole]).ingress == prefixed.ingress
    traits = differences(environment, other)
    assert [str(trait) for trait in traits] == [
        "ingress.tls=true with ingress.config=nginx/a.conf",
        "ingress.host=x.example",
    ]
    assert mix(environment, other, traits).ingress == other.ingress


def test_no_report_has_what_is_in_it() -> None:
    """A saved run has its name, and what differs its length: anything may stand there."""
    other = Environment("b", ingress=Ingress("nginx", config=OwnConfiguration("nginx/a.conf", "# hunter2\n")))
    project = Project(PROJECT.backend, {"a": Environment("a", ingress=Ingress("nginx")), "b": other}, PROJECT.today)
    kept = described(project)
    assert kept.environments[1].ingress.config == OwnConfiguration("nginx/a.conf")
    assert b"hunter2" not in msgspec.json.encode(kept)
    (rows,) = [section.rows for section in sections(project) if section.title == "ingress"]
    assert [tuple(row[:3]) for row in rows] == [("config", "none", "nginx/a.conf, 1 line")]
