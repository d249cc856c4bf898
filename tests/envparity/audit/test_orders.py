"""Whatever is imported before, a module comes out the same; where not, the pair is named."""

from __future__ import annotations

from tests.envparity.audit.conftest import Audited

MANY = {f"app/m{number:02}.py": "import json\nVALUE = 1\n" for number in range(12)}


def test_a_circle_that_works_in_one_order_only(audited: Audited) -> None:
    """The module that can be imported after another only is blamed at the line that raises."""
    sources = {
        "app/agents.py": "from app.registry import register\n\nclass Agent: ...\n\nregister(Agent)\n",
        "app/registry.py": "from app.agents import Agent\n\ndef register(kind: type) -> None: ...\n",
    }
    report = audited(MANY | sources, examples=2)
    assert {finding.code for finding in report.findings} == {"EP664"}
    assert "partially initialized module" in report.findings[0].got

    lucky = sources | {
        "app/agents.py": "import app.registry\n\nclass Agent: ...\n",
        "app/registry.py": "from app.agents import Agent\n",
    }
    report = audited(MANY | lucky, examples=2)
    assert [(finding.code, finding.module, finding.line) for finding in report.findings] == [
        ("EP665", "app.registry", 1)
    ]
    assert "app.agents can be imported after app.registry only" in report.findings[0].got
    assert report.findings[0].evidence == ("import app.registry, app.agents",)


def test_what_one_module_changes_in_another(audited: Audited) -> None:
    """A random order shows it where the sorted one does not, and it is shrunk to the pair."""
    sources = {
        "app/config.py": "import sys\nLEVEL = 1 if 'app.zeal' in sys.modules else None\n",
        "app/zeal.py": "READY = True\n",
    }
    report = audited(MANY | sources, examples=6)
    assert [(finding.code, finding.module) for finding in report.findings] == [("EP665", "app.config")]
    assert report.findings[0].evidence == ("import app.zeal, app.config",)
    assert "names of other types" in report.findings[0].got


def test_a_package_that_keeps_lazy_names_is_the_same(audited: Audited) -> None:
    """Submodules, and what `__getattr__` keeps, come and go with what else was imported."""
    sources = {
        "app/__init__.py": """
            def __getattr__(name: str) -> object:
                import importlib
                m00 = importlib.import_module("app.m00")
                globals()[name] = value = getattr(m00, name)
                return value
            """,
        "app/user.py": "from app import VALUE\n",
    }
    report = audited(MANY | sources, examples=4)
    assert not report.findings
    assert report.orders == 5
