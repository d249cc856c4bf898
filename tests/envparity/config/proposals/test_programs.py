"""Which program a project's files say that it is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.proposals.code import read_code
from envparity.config.proposals.programs import commands, names

DOCKERFILES = {
    'FROM a\nCMD ["serve", "--port", "80"]\n': ("serve", "--port", "{port}"),
    'FROM a\nENTRYPOINT ["serve"]\nCMD ["--port", "80"]\n': ("serve", "--port", "{port}"),
    'FROM a\nENTRYPOINT ["/usr/bin/tini", "-g", "--", "serve", "now"]\n': ("serve", "now"),
    'FROM a\nENTRYPOINT ["tini", "--"]\nCMD ["node", "a.js"]\n': ("node", "a.js"),
    "FROM a\nCMD exec serve --bind :$PORT \\\n  -w 1\n": ("serve", "--bind", ":{port}", "-w", "1"),
    "FROM a\nCMD migrate && serve\n": (),
    'FROM a\nCMD ["python3", "-m", "uvicorn", "a:app"]\n': ("python3", "-m", "uvicorn", "a:app", "--port", "{port}"),
    "FROM a\nCMD uvicorn a:app --host ::\n": ("uvicorn", "a:app", "--host", "::", "--port", "{port}"),
    'FROM a\nCMD ["daphne", "a:app"]\n': ("daphne", "a:app", "-p", "{port}"),
    'FROM a AS built\nCMD ["first"]\nFROM b\nENTRYPOINT ["second"]\n': ("second",),
    'FROM a AS first\nCMD ["first"]\nFROM first\n': ("first",),
}


def first(folder: Path, dockerfile: str | None = None) -> tuple[str, ...]:
    if dockerfile is not None:
        (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    named = Path("Dockerfile") if dockerfile is not None else None
    found = list(commands(folder, Path(), read_code(folder), named))
    return found[0].value if found else ()


@pytest.mark.parametrize("text", DOCKERFILES)
def test_a_dockerfile_says_what_its_last_stage_starts(text: str, tmp_path: Path) -> None:
    """Its entry point and its command are one; what only waits for others is no part of it, and a shell's is none."""
    assert first(tmp_path, text) == DOCKERFILES[text]


@pytest.mark.parametrize(("file", "program"), [("main.go", "."), ("cmd/server/main.go", "./cmd/server")])
def test_a_program_in_go_is_run_from_its_source(tmp_path: Path, file: str, program: str) -> None:
    """Before what only its image has; a module without a program is none."""
    (tmp_path / "go.mod").write_text("module a\n")
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    assert first(tmp_path) == ()
    (tmp_path / file).write_text("package main\n")
    assert first(tmp_path, 'FROM a\nENTRYPOINT ["./server"]\n') == ("go", "run", program)


def test_a_program_of_the_projects_own_virtual_environment_is_the_one_there(tmp_path: Path) -> None:
    """What that has not is looked for elsewhere."""
    (tmp_path / "main.py").write_text("app = FastAPI()\n")
    assert first(tmp_path)[0] == "python3"
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python3").touch()
    assert first(tmp_path)[:2] == (".venv/bin/python3", "-m")
    (tmp_path / "Procfile").write_text("web: serve --port $PORT\n")
    assert first(tmp_path) == ("serve", "--port", "{port}")


@pytest.mark.parametrize(
    ("imports", "started"),
    [
        ("from app.core import settings", ("app.main:app", "--app-dir", "backend")),
        ("from core import settings", ("main:app", "--app-dir", "backend/app")),
        ("from backend.app.core import settings", ("backend.app.main:app", "--host")),
        ("import fastapi", ("backend.app.main:app", "--host")),
    ],
)
def test_an_application_is_named_from_where_its_modules_are(
    tmp_path: Path, imports: str, started: tuple[str, ...]
) -> None:
    """The folder that what it imports is in; where that says nothing, the project's own."""
    (tmp_path / "backend" / "app").mkdir(parents=True)
    (tmp_path / "backend" / "app" / "core.py").touch()
    (tmp_path / "backend" / "app" / "main.py").write_text(f"{imports}\napp = FastAPI()\n")
    argv = first(tmp_path)
    assert argv[: 3 + len(started)] == ("python3", "-m", "uvicorn", *started)


@pytest.mark.parametrize("module", ["example.com/team/chat", "example.com/team/chat/v2", '"chat"', "chat"])
def test_a_module_of_go_has_a_name(tmp_path: Path, module: str) -> None:
    """Its last part, without what says a version; the folder's comes after it."""
    (tmp_path / "go.mod").write_text(f"module {module}\n\ngo 1.19\n")
    assert next((each.value, each.found_in) for each in names(tmp_path)) == ("chat", "go.mod")
