"""What an import does is seen, refused where it would leave the process, and blamed on the line that runs at import."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.envparity.audit.conftest import Audited, marked

# One module for each effect; the line that must be blamed is marked.
EFFECTS = {
    "EP651": "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)  # !\n",
    "EP652": "import socket\nlistener = socket.socket()\nlistener.bind(('127.0.0.1', 0))  # !\n",
    "EP653": "import socket\naddress = socket.getaddrinfo('localhost', 80)  # !\n",
    "EP654": "import subprocess\nversion = subprocess.run(['touch', '{folder}/run'], check=False)  # !\n",
    "EP655": "import threading\nthreading.Thread(target=print, name='beater').start()  # !\n",
    "EP656": "import asyncio\nloop = asyncio.new_event_loop()  # !\n",
    "EP657": "from pathlib import Path\nPath('{folder}/log').write_text('x')  # !\n",
    "EP658": "import os\nissuer = os.environ.get('ISSUER', 'nobody')  # !\n",
    "EP659": "import os\nos.environ['TOKENIZERS'] = '0'  # !\n",
    "EP660": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)  # !\n",
    "EP661": "import uuid\nINSTANCE = uuid.uuid4()  # !\n",
    "EP662": "import warnings\nwarnings.warn('old', DeprecationWarning)  # !\n",
    "EP663": "class Manager:\n    pass\n\nshared = Manager()  # !\n",
    "EP664": "import app.nowhere  # !\n",
}


@pytest.fixture
def listener() -> socket.socket:
    """Somebody who would answer."""
    return socket.create_server(("127.0.0.1", 0))


def test_each_effect_is_found_at_its_line(audited: Audited, listener: socket.socket, tmp_path: Path) -> None:
    """One of each, each in a module of its own; nothing else is found, and nothing has left the process."""
    from envparity.model.backend import Audit

    port = listener.getsockname()[1]
    sources = {f"app/{code.lower()}.py": source.format(port=port, folder=tmp_path) for code, source in EFFECTS.items()}
    with listener:
        report = audited(sources, Audit("app", request_scoped=("Manager",)))
        found = [(finding.module, finding.line) for finding in report.findings]
        assert sorted(found) == sorted(marked(sources)), report.findings
        codes = {finding.code for finding in report.findings}
        assert codes == EFFECTS.keys() - {"EP663"} | {"EP602"}, "the source shows the request-scoped object already"
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "log").exists()


def test_the_chain_leads_from_the_import_to_the_effect(audited: Audited) -> None:
    """What is blamed is the statement that runs at import; the calls behind it, and who imports it, are evidence."""
    sources = {
        "app/settings.py": "import os\n\ndef secret() -> str:\n    return os.environ.get('SECRET', '')\n",
        "app/auth.py": "from app.settings import secret\n\nclass Auth:\n    key = secret()  # !\n",
        "app/main.py": "from app.auth import Auth\n",
    }
    report = audited(sources)
    assert [(finding.module, finding.line) for finding in report.findings] == marked(sources)
    assert report.findings[0].evidence == (
        "by app.auth:3 <module> → app.auth:4 Auth → app.settings:4 secret",
        "also whenever one imports app.main",
    )


def test_third_parties_are_told_apart(audited: Audited) -> None:
    """What another package does when it is imported is not counted; what it does on the package's behalf is."""
    sources = {
        "other/__init__.py": """
            import os
            HOME = os.environ.get("OTHER_HOME", "")

            def debug() -> bool:
                return bool(os.environ.get("OTHER_DEBUG"))

            def get(name: str) -> str:
                return os.environ.get(name, "")
            """,
        "app/late.py": "def load() -> None:\n    import other\n\nload()\n",
        "app/calls.py": "import other\n\nother.debug()\nissuer = other.get('ISSUER')  # !\n",
    }
    report = audited(sources)
    assert [(finding.code, finding.module, finding.line, finding.got) for finding in report.findings] == [
        ("EP658", "app.calls", 4, "ISSUER")
    ]
    assert report.apart == {"other environment-read": 1}


def test_what_only_looks_like_an_effect_is_none(audited: Audited) -> None:
    """Defining, reading a file, asking the monotonic clock, a seeded generator, a guarded program."""
    source = """
        import os, random, subprocess, sys, tempfile, threading, time, uuid, warnings
        from datetime import datetime, timezone
        from pathlib import Path

        TEXT = Path(__file__).read_text()
        STARTED = time.monotonic()
        EPOCH = datetime(2020, 1, 1, tzinfo=timezone.utc)
        CHOICE = random.Random(42).random()
        NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "x")
        LOCK = threading.Lock()
        WORKER = threading.Thread(target=print)
        HOME = Path("~").expanduser()

        def later() -> None:
            os.environ["X"] = "1"
            subprocess.run(["true"], check=True)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.warn("not shown")

        if __name__ == "__main__":
            later()
        """
    report = audited({"app/plain.py": source, "app/__main__.py": source})
    assert not report.findings


def test_a_broken_import_is_found_once(audited: Audited) -> None:
    """Where it raises, whoever imports it; a missing third party is a note, and so is a program without a guard."""
    sources = {
        "app/broken.py": "LIMIT = int('many')  # !\n",
        "app/user.py": "from app.broken import LIMIT\n",
        "app/syntax.py": "x = 1\ndef f(:  # !\n",
        "app/quits.py": "import sys\nsys.exit(3)  # !\n",
        "app/optional.py": """
            try:
                import nowhere_at_all
            except ImportError as error:
                raise ImportError("install the extra") from error
            """,
        "app/__main__.py": "raise SystemExit(1)\n",
    }
    report = audited(sources)
    assert [(finding.module, finding.line) for finding in report.findings] == sorted(marked(sources))
    assert {finding.code for finding in report.findings} == {"EP664"}
    assert report.notes == (
        "app.optional was not audited: it needs nowhere_at_all, which is not installed",
        "app.__main__ was not imported: it is a program, and runs when it is",
    )


def test_an_import_that_fails_by_what_was_refused_is_one_finding(audited: Audited) -> None:
    """The effect, and not its consequence."""
    sources = {
        "app/store.py": "import os\n\ndef make() -> None:\n    os.mkdir('/var/lib/nothing-here')\n\nmake()  # !\n",
        "app/key.py": "import os\nKEY = os.environ['NOT_SET_ANYWHERE']  # !\n",
        "app/user.py": "import app.store, app.key\n",
    }
    report = audited(sources)
    assert [(finding.code, finding.module, finding.line) for finding in report.findings] == [
        ("EP658", "app.key", 2),
        ("EP657", "app.store", 6),
    ]


def test_a_coroutine_left_at_import_warns(audited: Audited) -> None:
    """Python says so when it is collected."""
    report = audited({"app/left.py": "async def beat() -> None: ...\n\nbeat()\n"}, only="EP662")
    assert [finding.code for finding in report.findings] == ["EP662"]
    assert "was never awaited" in report.findings[0].got
