"""An environment that extends another environment's file: layers, places, paths, and every mistake where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environments, read_environments
from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend
from envparity.model.environment import Composed, FromSource, SecretOf
from envparity.model.project import Project
from envparity.report.saved_project import _digests
from tests.envparity.sources.reading import differing, environment, mistakes, notes, place, put

COMPOSE = """services:
  api:
    build: .
    environment:
      DATABASE_URL: postgresql://app:pw@db:5432/app
      LOG_LEVEL: info
  db:
    image: postgres:16
"""


def _where(wrong: list[Mistake]) -> list[tuple[str, int, str]]:
    return [(Path(mistake.source).name, mistake.line, mistake.key) for mistake in wrong]


def test_later_files_go_over_earlier_ones_and_the_file_itself_over_all(tmp_path: Path) -> None:
    """Each value from where it was said last, with its file and line."""
    put(
        tmp_path,
        base__toml='[settings]\nA = "base"\nB = "base"\nC = "base"\n[platform]\ncpus = 1.0\nmemory_mib = 256\n',
        more__toml='[settings]\nB = "more"\nC = "more"\n',
    )
    made = environment(tmp_path, "base.toml", "more.toml", own='[settings]\nC = "own"\n[platform]\ncpus = 2.0\n')
    assert made.settings == {"A": "base", "B": "more", "C": "own"}
    assert (made.platform.cpus, made.platform.memory_mib) == (2.0, 256)
    places = {
        "settings.A": "base.toml:2",
        "settings.B": "more.toml:2",
        "settings.C": "staging.toml:4",
        "platform.cpus": "staging.toml:6",
        "platform.memory_mib": "base.toml:7",
    }
    assert {key: place(made, key) for key in places} == places


def test_files_of_the_deployment_go_over_and_under_it(tmp_path: Path) -> None:
    """What the base says of a server is joined with what the compose file says of it, by the name of its kind."""
    put(
        tmp_path,
        base__toml='[dependencies.postgres]\nkind = "postgres"\nlatency_ms = 5\n[settings]\nLOG_LEVEL = "debug"\n',
        compose__yaml=COMPOSE,
    )
    made = environment(tmp_path, "base.toml", "compose.yaml#api")
    assert list(made.dependencies) == ["postgres"]
    assert made.dependencies["postgres"].latency_ms == 5
    assert made.settings["LOG_LEVEL"] == "info"
    assert isinstance(made.settings["DATABASE_URL"], Composed)
    assert place(made, "settings.LOG_LEVEL") == "compose.yaml:6"
    assert environment(tmp_path, "compose.yaml#api", "base.toml").settings["LOG_LEVEL"] == "debug"


def test_a_base_extends_files_itself(tmp_path: Path) -> None:
    """Environments and files of a deployment, relative to where it stands; also twice by different ways."""
    put(
        tmp_path,
        shared___compose__yaml=COMPOSE,
        shared___base__toml='extends = ["compose.yaml#api", "common.toml"]\n[dependencies.postgres]\nlatency_ms = 7\n',
        shared___common__toml='[settings]\nGREETING = "hello"\n',
    )
    (tmp_path / ".env").write_text("QUEUE_URL=postgresql://db:5432/queue\n", encoding="utf-8")
    made = environment(tmp_path, "shared/base.toml", "shared/common.toml", ".env")
    assert made.dependencies["postgres"].latency_ms == 7
    assert isinstance(made.settings["DATABASE_URL"], Composed)
    assert isinstance(made.settings["QUEUE_URL"], Composed)  # of the host that the base's file of the deployment names
    assert made.settings["GREETING"] == "hello"
    assert place(made, "settings.DATABASE_URL") == "compose.yaml:5"
    assert made.extends == ("shared/base.toml", "shared/compose.yaml#api", "shared/common.toml", ".env")


def test_settings_of_every_form(tmp_path: Path) -> None:
    """One stands in place of another, whatever form either has; braces keep their meaning."""
    put(
        tmp_path,
        base__toml='[settings]\nA = { secret = 32 }\nB = { from = "platform.port" }\n'
        'C = "{setting:D}/c"\nD = "{{d}}"\n',
    )
    made = environment(tmp_path, "base.toml", own='[settings]\nA = { from = "platform.port" }\nB = { secret = 40 }\n')
    assert made.settings["A"] == FromSource("platform.port")
    assert made.settings["B"] == SecretOf(40)
    assert made.settings["C"] == Composed("{setting:D}/c")
    assert made.settings["D"] == "{d}"


def test_what_each_says_for_itself(tmp_path: Path) -> None:
    """Its name, what it is, whether it is the baseline, and where it runs: the last is listed."""
    put(
        tmp_path,
        local__toml='name = "local"\ndescription = "here"\nbaseline = true\n[deployed]\nurl = "https://example.org/ws"\n',
    )
    made = environment(tmp_path, "local.toml")
    assert (made.name, made.description, made.baseline, made.deployed) == ("staging", "", False, None)
    assert "deployed" in notes(made, known=True)


def test_a_thing_of_another_kind_is_another_thing(tmp_path: Path) -> None:
    """Nothing of what stands below is kept: an ingress, a server, an image."""
    put(
        tmp_path,
        base__toml='[ingress]\nkind = "nginx"\ntls = true\n[dependencies.cache]\nkind = "redis"\npassword = false\n'
        '[image]\nname = "api:1"\n',
        Dockerfile="FROM scratch\n",
    )
    own = '[ingress]\nkind = "none"\n[dependencies.cache]\nkind = "memcached"\n[image]\ndockerfile = "Dockerfile"\n'
    made = environment(tmp_path, "base.toml", own=own)
    assert (made.ingress.kind, made.dependencies["cache"].kind) == ("none", "memcached")
    assert made.image is not None
    assert made.image.name is None


def test_commands_are_not_made_of_two_files(tmp_path: Path) -> None:
    """One that the file gives is the whole command, of whichever form."""
    put(tmp_path, base__toml='entrypoint = ["a"]\narguments = ["b"]\n', other__toml='command = ["c"]\n')
    made = environment(tmp_path, "base.toml", own='command = ["own"]\n')
    assert (made.command, made.entrypoint, made.arguments) == (("own",), (), ())
    made = environment(tmp_path, "base.toml", "other.toml", own='arguments = ["d"]\n')
    assert (made.command, made.entrypoint, made.arguments) == ((), (), ("d",))


def test_paths_are_of_the_file_that_says_them(tmp_path: Path) -> None:
    """Templates, Dockerfiles, configurations, files of servers, folders of programs."""
    put(
        tmp_path,
        shared___base__toml='[files."/etc/app.conf"]\ntemplate = "app.conf"\n[image]\ndockerfile = "Dockerfile"\n'
        '[ingress]\nkind = "nginx"\nconfig = "nginx.conf"\n[dependencies.mail]\nkind = "image"\nimage = "mail:1"\n'
        'port = 25\nfiles = { "/etc/mail" = "mail.conf" }\n[dependencies.auth]\nkind = "service"\nprocess = ["auth"]\n',
        shared___app__conf="text",
        shared___Dockerfile="FROM scratch\n",
        shared___nginx__conf="server { listen {listen}; location / { proxy_pass http://{upstream}; } }\n",
        shared___mail__conf="mail",
    )
    made = environment(tmp_path, "shared/base.toml")
    assert made.files["/etc/app.conf"].text == "text"
    assert made.image is not None
    assert made.image.dockerfile == (tmp_path / "shared/Dockerfile").resolve()
    assert made.dependencies["mail"].options["files"] == {"/etc/mail": "mail"}
    assert Path(made.dependencies["auth"].options["folder"]) == (tmp_path / "shared").resolve()


def test_mistakes_stand_where_they_were_made(tmp_path: Path) -> None:
    """A key that is none, a value that cannot be, a server that nobody knows: in the base, by its line."""
    put(
        tmp_path,
        base__toml='colour = "red"\n[platform]\ncpus = "many"\n[dependencies.db]\nkind = "oracle"\n'
        '[settings]\nURL = "{nobody.url}"\n[platform.more]\n',
    )
    wrong = mistakes(tmp_path, "base.toml")
    expected = {
        ("base.toml", 1, "colour"),
        ("base.toml", 3, "platform.cpus"),
        ("base.toml", 5, "dependencies.db.kind"),
        ("base.toml", 7, "settings.URL"),
    }
    assert expected <= {*_where(wrong)}
    assert all(mistake.source.endswith("base.toml") for mistake in wrong)


@pytest.mark.parametrize("key", ["settings", "dependencies", "platform", "ingress", "image", "files", "extends"])
def test_a_table_that_is_none_is_a_mistake_of_the_base(tmp_path: Path, key: str) -> None:
    """Also where a file of the deployment goes over it."""
    put(tmp_path, base__toml=f"{key} = 5\n", compose__yaml=COMPOSE)
    assert ("base.toml", 1) in {place[:2] for place in _where(mistakes(tmp_path, "base.toml"))}
    assert ("base.toml", 1) in {place[:2] for place in _where(mistakes(tmp_path, "compose.yaml", "base.toml"))}
    mistakes(tmp_path, "base.toml", "compose.yaml")


def test_a_file_that_is_none_is_a_mistake_of_who_names_it(tmp_path: Path) -> None:
    """One, also where a base names it; and so are a part of a file, and text that is no TOML."""
    put(tmp_path, base__toml='\nextends = ["nowhere.toml"]\n', broken__toml="a = \n")
    assert _where(mistakes(tmp_path, "nowhere.toml")) == [("staging.toml", 2, "extends[0]")]
    assert _where(mistakes(tmp_path, "base.toml")) == [("base.toml", 2, "extends[0]")]
    assert _where(mistakes(tmp_path, "base.toml#part")) == [("staging.toml", 2, "extends[0]")]
    assert _where(mistakes(tmp_path, "broken.toml")) == [("broken.toml", 1, "(file)")]


def test_a_circle_is_one_mistake(tmp_path: Path) -> None:
    """Wherever it is come into, and however many of its files are environments."""
    put(
        tmp_path,
        a__toml='name = "a"\nextends = ["b.toml"]\n',
        b__toml='name = "b"\n\nextends = ["c.toml"]\n',
        c__toml='name = "c"\nextends = ["a.toml"]\n',
        d__toml='name = "d"\nextends = ["b.toml"]\n',
    )
    assert _where(read_environments([tmp_path])[1]) == [("a.toml", 2, "extends[0]")]
    put(tmp_path, a__toml='name = "a"\nextends = ["a.toml"]\n', b__toml='name = "b"\n', c__toml='name = "c"\n')
    assert _where(read_environments([tmp_path])[1]) == [("a.toml", 2, "extends[0]")]


def test_many_ways_to_the_same_file_are_read_once(tmp_path: Path) -> None:
    """Forty layers, each of which extends the next twice."""
    for at in range(40):
        names = f'"l{at + 1}.toml", "./l{at + 1}.toml"'
        (tmp_path / f"l{at}.toml").write_text(f"extends = [{names}]\n", encoding="utf-8")
    put(tmp_path, l40__toml='[settings]\nA = "deep"\n')
    assert environment(tmp_path, "l0.toml").settings == {"A": "deep"}


def test_a_file_without_a_name_that_others_extend_is_no_environment(tmp_path: Path) -> None:
    """It may stand beside them; one that nobody extends lacks a name."""
    put(tmp_path, base__toml='[settings]\nA = "1"\n', staging__toml='name = "staging"\nextends = ["base.toml"]\n')
    assert list(load_environments([tmp_path])) == ["staging"]
    put(tmp_path, other__toml='[settings]\nA = "1"\n')
    with pytest.raises(ConfigurationError) as raised:
        load_environments([tmp_path])
    assert _where(list(raised.value.mistakes)) == [("other.toml", 0, "name")]


def test_diff_says_where_a_value_came_from(tmp_path: Path) -> None:
    """The base's line for one, the file's own for another."""
    put(tmp_path, base__toml='[settings]\nA = "1"\nB = "1"\n')
    local = environment(tmp_path, "base.toml", name="local")
    staging = environment(tmp_path, "base.toml", own='[settings]\nB = "2"\n')
    assert differing(local, staging)["settings: B"] == ("1 (base.toml:3)", "2 (staging.toml:4)")


def test_a_run_keeps_the_digest_of_every_file(tmp_path: Path) -> None:
    """Also of those that a base extends."""
    put(tmp_path, shared___deep__toml="", shared___base__toml='extends = ["deep.toml"]\n', backend__toml="")
    made = environment(tmp_path, "shared/base.toml")
    project = Project(Backend("api", tmp_path / "backend.toml"), {"staging": made})
    kept = {Path(file).name for file, _ in _digests(project, tmp_path)}
    assert kept == {"backend.toml", "staging.toml", "base.toml", "deep.toml"}


def test_the_port_is_the_platforms_in_every_layer(tmp_path: Path) -> None:
    """A deployment's port setting is that which the base above it names."""
    put(
        tmp_path,
        compose__yaml="services:\n  api:\n    build: .\n    environment:\n      HTTP_PORT: '9000'\n",
        base__toml='[platform]\nport_setting = "HTTP_PORT"\n',
    )
    made = environment(tmp_path, "compose.yaml", "base.toml")
    assert (made.platform.port, made.platform.port_setting, dict(made.settings)) == (9000, "HTTP_PORT", {})
