"""What is audited is found from a folder, a file, a name, or a backend file; what cannot be is one clear mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.audit.audit import audit
from envparity.audit.target import AuditTarget, find_target
from envparity.errors import ConfigurationError
from envparity.model.backend import Audit
from tests.envparity.audit.conftest import Write

BACKEND = """\
name = "chat"

[image]
name = "chat:1"

[audit]
package = "app"
settings_modules = ["app.settings"]
environment_name = "APP_ENV"
"""


def test_a_folder_a_file_and_a_name(write: Write) -> None:
    """A folder inside a package is that package's part; a file by itself is a module; a name is looked for later."""
    root = write({"app/core/x.py": "", "lone.py": ""})
    assert find_target(str(root / "app"), None) == AuditTarget("app", root, Audit("app"))
    assert find_target(str(root / "app" / "core"), None).package == "app.core"
    assert find_target(str(root / "app" / "core" / "x.py"), None) == AuditTarget(
        "app.core.x", root, Audit("app.core.x")
    )
    assert find_target(str(root / "lone.py"), None) == AuditTarget("lone", root, Audit("lone"))
    assert find_target("json", None) == AuditTarget("json", None, Audit("json"))


def test_a_backend_file_says_what_to_look_for(write: Write) -> None:
    """Beside the package or in it; in it, it is found by itself."""
    root = write({"app/settings.py": "", "app/backend.toml": BACKEND, "backend.toml": BACKEND})
    beside = find_target(None, root / "backend.toml")
    assert (beside.package, beside.root, beside.audit.environment_name) == ("app", root, "APP_ENV")
    inside = find_target(None, root / "app" / "backend.toml")
    assert (inside.package, inside.root) == ("app", root)
    assert find_target(str(root / "app"), None).audit.settings_modules == ("app.settings",)


def test_what_a_backend_file_says_holds_for_a_part_and_for_a_copy(write: Write) -> None:
    """The whole package is read, by the names that it has there, and the part is what is reported."""
    root = write(
        {
            "backend.toml": BACKEND,
            "app/settings.py": "class Settings:\n    environment: str\n",
            "app/core/x.py": "import os\nX = os.environ['X']\n",
            "copy/settings.py": "",
            "src/app/core/x.py": "",
            "src/__init__.py": "",
        }
    )
    part = find_target(str(root / "app" / "core"), root / "backend.toml")
    assert (part.package, part.part, part.audit.settings_modules) == ("app", "app.core", ("app.settings",))
    copy = find_target(str(root / "copy"), root / "backend.toml")
    assert (copy.package, copy.part, copy.audit.settings_modules) == ("copy", None, ("copy.settings",))
    below = find_target(str(root / "src" / "app" / "core" / "x.py"), root / "backend.toml")
    assert (below.package, below.part) == ("src.app", "src.app.core.x")
    assert below.audit.settings_modules == ("src.app.settings",)
    report = audit(part, examples=0)
    assert {(finding.code, finding.module) for finding in report.findings} == {
        ("EP606", "app.core.x"),
        ("EP658", "app.core.x"),
    }


@pytest.mark.parametrize(
    ("subject", "key"), [("no/such/folder", "no/such/folder"), ("empty", "empty"), (None, "PACKAGE_OR_PATH")]
)
def test_what_is_no_package_is_one_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subject: str | None, key: str
) -> None:
    """Not a folder, a folder without Python, nothing at all."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as refused:
        find_target(subject, None)
    assert [mistake.key for mistake in refused.value.mistakes] == [key]


def test_a_name_that_cannot_be_imported(tmp_path: Path) -> None:
    """The interpreter is asked, and does not know it."""
    with pytest.raises(ConfigurationError, match="no_such_package_anywhere"):
        audit(AuditTarget("no_such_package_anywhere", None, Audit("no_such_package_anywhere")))


def test_a_backend_file_that_names_nothing(write: Write) -> None:
    """Without the table, with a package that is not there, with modules and types that are not there: all at once."""
    without = BACKEND.partition("[audit]")[0]
    root = write(
        {"app/settings.py": "class Manager: ...\n", "a.toml": without, "b.toml": BACKEND.replace('"app"', '"apq"')}
    )
    with pytest.raises(ConfigurationError, match="audit: expected a table"):
        find_target(None, root / "a.toml")
    with pytest.raises(ConfigurationError, match=r"audit\.package: expected a package"):
        find_target(None, root / "b.toml")
    said = Audit("app", ("Manger",), ("app.setings",), ("app.startup",))
    with pytest.raises(ConfigurationError) as refused:
        audit(AuditTarget("app", root, said))
    assert sorted((mistake.key, mistake.got, mistake.action) for mistake in refused.value.mistakes) == [
        ("audit.request_scoped", "Manger", "did you mean Manager?"),
        ("audit.settings_modules", "app.setings", "did you mean app.settings?"),
        ("audit.startup_modules", "app.startup", ""),
    ]


def test_an_unknown_rule_is_a_mistake(write: Write) -> None:
    """With what there is instead."""
    root = write({"app/x.py": ""})
    with pytest.raises(ConfigurationError, match="EP999"):
        audit(AuditTarget("app", root, Audit("app")), only=["EP601,EP999"])


_READERS = {
    "app/config.py": """
        from decouple import config
        SETTINGS = {}
        def get(name): return SETTINGS[name]
        class Config:
            def value(self, name): return SETTINGS[name]
        """,
    "app/late.py": "def read():\n    import environs\n    return environs.Env()\n",
}


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("app.config.get", True),
        ("app.config.SETTINGS", True),
        ("app.config.Config.value", True),
        ("app.config.config", True),
        ("decouple.config", True),
        ("environs.Env.str", True),
        ("app.config.fetch", False),
        ("app.config.Config.fetch", False),
        ("app.config", False),
        ("app.nowhere.get", False),
        ("dynaconf.settings", False),
    ],
)
def test_a_reader_that_exists_nowhere_is_a_mistake(write: Write, name: str, there: bool) -> None:
    """Nothing would ever be found by it. What the package imports is not looked into."""
    target = AuditTarget("app", write(_READERS), Audit("app", settings_readers=(name,)))
    if there:
        audit(target, only=["EP601"])
        return
    with pytest.raises(ConfigurationError) as raised:
        audit(target, only=["EP601"])
    assert [(mistake.key, mistake.got) for mistake in raised.value.mistakes] == [("audit.settings_readers", name)]


def test_who_tells_of_settings_is_a_function_of_the_package(write: Write) -> None:
    """What it imports takes nothing, and a class is none."""
    audit(
        AuditTarget("app", write(_READERS), Audit("app", settings_tellers=("app.config.Config.value",))), only=["EP611"]
    )
    names = ("app.config.Config", "decouple.config", "app.config.fetch")
    target = AuditTarget("app", write(_READERS), Audit("app", settings_tellers=names))
    with pytest.raises(ConfigurationError) as raised:
        audit(target, only=["EP611"])
    assert {(mistake.key, mistake.got) for mistake in raised.value.mistakes} == {
        ("audit.settings_tellers", name) for name in names
    }
