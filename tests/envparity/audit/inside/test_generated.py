"""What dataclasses generate is compiled once, and nothing else is changed by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from envparity.audit.inside.generated import Generated
from envparity.audit.interpreter import open_interpreter
from tests.envparity.audit.conftest import Audited, Write
from tests.envparity.audit.test_interpreter import START

SOURCES: Mapping[str, str] = {
    "app/record.py": """
        from __future__ import annotations
        import dataclasses, os

        @dataclasses.dataclass(frozen=True, order=True)
        class Record:
            name: str = os.environ.get("NAME", "")
            values: list[int] = dataclasses.field(default_factory=list)
        """,
    "app/again.py": """
        import dataclasses
        from app.record import Record

        @dataclasses.dataclass(frozen=True, order=True)
        class Record(Record):
            pass

        assert Record("a") < Record("b")
        """,
    "app/raises.py": """
        import dataclasses

        @dataclasses.dataclass
        class Late:
            first: int = 0
            second: int
        """,
}


@pytest.fixture
def generated() -> Iterator[Generated]:
    """Installed here, and taken away again."""
    found = Generated()
    found.install()
    yield found
    del vars(dataclasses)["exec"]


def test_the_same_text_is_compiled_once(generated: Generated) -> None:
    """Two classes of the same fields have the same texts, and behave as two classes."""

    def make(default: int) -> Any:
        @dataclasses.dataclass
        class Point:
            x: int = default

        return Point

    first = make(1)
    compiled = len(generated.fresh)
    second = make(2)
    assert compiled > 0
    assert len(generated.fresh) == compiled
    assert (first().x, second().x, first(3) == first(3), first(3) == second(3)) == (1, 2, True, False)


def test_what_was_learned_is_not_fresh(generated: Generated) -> None:
    """A process that is forked later has it already."""

    @dataclasses.dataclass
    class First:
        x: int

    other = Generated()
    other.learn(generated.fresh)
    other.install()

    @dataclasses.dataclass
    class Second:
        x: int

    assert Second(1) == Second(1)
    assert not any("__init__" in text for text in other.fresh)


def test_the_report_is_the_same_without(audited: Audited, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer, whether codes are shared or each import compiles its own."""
    from envparity.audit import interpreter, program

    def runs() -> list[Any]:
        with open_interpreter(partial(START), "app", str(write(SOURCES)), ()) as (survey, ready):
            names = list(survey.modules)
            return list(ready().run([*([name] for name in names), names, names[::-1]]))

    shared = runs()
    text = program.audit_program()
    apart = text.replace("module.exec = self.execute", "pass")
    assert apart != text
    monkeypatch.setattr(interpreter, "audit_program", lambda: apart)
    assert runs() == shared
    assert [finding.code for finding in audited(SOURCES).findings] == ["EP664", "EP658"]
