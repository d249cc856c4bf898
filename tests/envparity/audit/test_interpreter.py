"""The interpreter that imports: others' modules once, and how it goes on where it must not fork or a module hangs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from envparity.audit import interpreter
from envparity.audit.interpreter import local_interpreter, open_interpreter
from envparity.audit.program import audit_program
from tests.envparity.audit.conftest import Audited, Write

START = partial(local_interpreter, sys.executable)


def test_the_program_is_one_argument() -> None:
    """Short enough for Linux (128 KiB for one), and of the grammar of Python 3.9."""
    import ast

    text = audit_program()
    assert len(text.encode()) < 100_000
    ast.parse(text, feature_version=(3, 9))
    for path in (Path(interpreter.__file__).parent / "inside").glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_others_are_imported_once(write: Write) -> None:
    """However many modules of the package import them."""
    root = write({"other.py": "print('imported')\nopen('count', 'a').write('x')\n", "app/a.py": "import other\n"})
    (root / "app" / "b.py").write_text("from other import *\n", encoding="utf-8")
    (root / "other.py").write_text(f"with open({str(root / 'count')!r}, 'a') as file:\n    file.write('x')\n")
    with open_interpreter(START, "app", str(root), ()) as (_, ready):
        runs = ready().run([["app.a"], ["app.b"], ["app.b", "app.a"]])
    assert [outcome.error for run in runs for outcome in run.outcomes] == [None] * 4
    assert (root / "count").read_text(encoding="utf-8") == "x"


def test_an_other_that_imports_the_package_is_left_to_it(write: Write) -> None:
    """It is not imported ahead: the package would then not be fresh, or the other would take it for absent."""
    plugin = """
        try:
            from app.base import VALUE
        except ImportError:
            VALUE = None
        """
    root = write(
        {"plugin.py": plugin, "app/base.py": "VALUE = 1\n", "app/main.py": "import plugin\n1 / plugin.VALUE\n"}
    )
    with open_interpreter(START, "app", str(root), ()) as (survey, ready):
        runs = ready().run([[module] for module in survey.modules])
    assert [(run.order, run.outcomes[0].error) for run in runs] == [
        (("app",), None),
        (("app.base",), None),
        (("app.main",), None),
    ]


def test_where_it_must_not_fork_each_order_has_its_own(write: Write) -> None:
    """With a second thread, fork would copy locks that nobody releases; the answers are the same."""
    busy = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    root = write({"busy.py": busy, "app/a.py": "import busy, os\nX = os.environ.get('X')\n", "app/b.py": "1 / 0\n"})
    with open_interpreter(START, "app", str(root), ()) as (_, ready):
        opened = ready()
        assert not opened._forks
        first, second = opened.run([["app.a"], ["app.b"]])
    assert [(effect.kind, effect.detail, effect.line) for effect in first.effects] == [("environment-read", "X", 2)]
    assert [effect.kind for effect in first.apart] == ["thread"]
    assert str(second.outcomes[0].error).startswith("ZeroDivisionError")


def test_a_module_that_hangs_or_dies_is_one_finding(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are imported all the same; what waits and what computes for ever are told by what they do."""
    monkeypatch.setattr(interpreter, "_IDLE_S", 1.0)
    monkeypatch.setattr(interpreter, "_CPU_S", 1.0)
    sources = {
        "app/dies.py": "import os\nos._exit(7)\n",
        "app/fine.py": "VALUE = 1\n",
        "app/hangs.py": "import threading\nthreading.Event().wait()\n",
        "app/spins.py": "while True: pass\n",
    }
    report = audited(sources)
    found = {finding.module: finding for finding in report.findings}
    assert {finding.code for finding in report.findings} == {"EP664"}
    assert sorted(found) == ["app.dies", "app.hangs", "app.spins"]
    assert "exit status 7" in found["app.dies"].got
    assert "1 s of waiting" in found["app.hangs"].got
    assert "of processor time" in found["app.spins"].got


def test_an_import_that_gets_no_time_is_no_finding(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither computed nor waited for as long as a finding takes: that is the machine's, and nobody else's end."""
    monkeypatch.setattr(interpreter, "_IMPORT_S", 3.0)
    report = audited({"app/bad.py": "1 / 0\n", "app/fine.py": "VALUE = 1\n", "app/slow.py": "while True: pass\n"})
    assert [(finding.code, finding.module) for finding in report.findings] == [("EP664", "app.bad")]
    assert (report.starved, report.imports) == (("app.slow",), 4)
    assert len(report.notes) == 1


def test_what_could_not_be_judged_is_not_clean(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was found, but not everything was looked at."""
    monkeypatch.setattr(interpreter, "_IMPORT_S", 3.0)
    assert audited({"app/slow.py": "while True: pass\n"}).exit_code == 3


def test_a_module_that_hangs_ends_only_itself_where_it_must_not_fork(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third party has started a thread: each import has an interpreter of its own, and the same limits."""
    monkeypatch.setattr(interpreter, "_IDLE_S", 1.0)
    monkeypatch.setattr(interpreter, "_CPU_S", 1.0)
    busy = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    sources = {
        "busy.py": busy,
        "app/a.py": "import busy\n",
        "app/hangs.py": "import threading\nthreading.Event().wait()\n",
        "app/spins.py": "while True: pass\n",
    }
    report = audited(sources)
    assert [(finding.code, finding.module) for finding in report.findings] == [
        ("EP664", "app.hangs"),
        ("EP664", "app.spins"),
    ]
    assert report.starved == ()
