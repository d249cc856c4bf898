"""A cluster of workers of this machine, by TLS: the verdict of one process, and what happens where somebody dies."""

from __future__ import annotations

import os
import pickle
import pickletools
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from distributed import Security

from envparity.cluster.address import ClusterAddress
from envparity.cluster.wire import Assignment, secrets_of
from envparity.cluster.worker import PreparesRun, prepares_run
from envparity.engine.session.engine import load
from envparity.engine.session.identity import identity_of
from envparity.engine.session.inputs import Inputs
from envparity.report.saved import newest_run, saved_runs
from tests.envparity.cluster.conftest import Envparity
from tests.envparity.cluster.ferries import BOOT_S, NOTES, SECRET, unlike
from tests.envparity.running import TREE

MOMENT_S = 240.0
PRELOADED = "tests.envparity.cluster.preloaded"


def environment(**more: str) -> dict[str, str]:
    own = {"PYTHONPATH": str(TREE), "DASK_DISTRIBUTED__WORKER__PRELOAD": f'["{PRELOADED}"]', "PYTHONWARNINGS": ""}
    return os.environ | own | more


class Command:
    """`envparity` in a process of its own, whose launchers, and those of its workers, boot nothing."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", PRELOADED, *arguments],
                cwd=folder,
                env=environment() | dict(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self) -> tuple[int, str]:
        """Its exit code, and all that it said."""
        code = self.process.wait(MOMENT_S)
        return code, self._output.read_text()

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(MOMENT_S)


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    """Whatever was started; gone at the end."""
    started: list[Command] = []
    yield started
    for command in started:
        command.kill()


def until_boots(folder: Path, besides: int = 0) -> int:
    """The process that boots the harbour, once there is one that is not `besides`."""
    deadline = time.monotonic() + MOMENT_S
    while time.monotonic() < deadline:
        for note in folder.glob("*.boots"):
            if int(note.stem) != besides:
                return int(note.stem)
        time.sleep(0.05)
    raise AssertionError("nobody boots the harbour")


def until_observed(folder: Path) -> None:
    """Wait until the run of that project has seen a case to its end: of less there is no verdict."""
    deadline = time.monotonic() + MOMENT_S
    while time.monotonic() < deadline:
        for saved in saved_runs(folder / ".envparity" / "runs"):
            if b'"CaseObserved"' in saved.read_bytes():
                return
        time.sleep(0.05)
    raise AssertionError("no case is observed")


@pytest.mark.processes
def test_the_verdict_of_a_cluster_is_that_of_one_process(
    envparity_: Envparity, ferry: Path, commands: list[Command]
) -> None:
    """Findings, causes, further boots of each case and their counts: of four workers, and of this process alone."""
    assert envparity_("run", "--plain", "--repeat", "2").exit_code == 1
    alone = newest_run(Path(".envparity/runs")).verdict
    command = Command(ferry, "run", "--plain", "--repeat", "2", "--cluster", "local:4")
    commands.append(command)
    code, said = command.end()
    assert code == 1, said
    together = newest_run(Path(".envparity/runs")).verdict
    assert together.run_id != alone.run_id
    assert unlike(alone, together) == []
    assert SECRET not in said


@pytest.mark.processes
def test_a_worker_that_is_killed_in_the_middle_of_a_case_is_told_of_and_changes_nothing(
    envparity_: Envparity, ferry: Path, commands: list[Command], tmp_path: Path
) -> None:
    """What it was at is done again by another."""
    assert envparity_("run", "--plain").exit_code == 1
    alone = newest_run(Path(".envparity/runs")).verdict
    notes = tmp_path / "notes"
    notes.mkdir()
    command = Command(ferry, "run", "--plain", "--cluster", "local:2", env={NOTES: str(notes)})
    commands.append(command)
    first = until_boots(notes)
    os.kill(first, signal.SIGKILL)
    until_boots(notes, besides=first)
    (notes / "go").touch()
    code, said = command.end()
    assert code == 1, said
    assert "is gone; what it was at is done again" in said
    assert unlike(alone, newest_run(Path(".envparity/runs")).verdict) == []


def started(folder: Path, role: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A scheduler or a worker of Dask, as somebody would start it by hand."""
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{role}", *arguments],
        cwd=folder,
        env=environment() | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """One certificate for all, signed by itself, as files."""
    made = Security.temporary()
    files = {"ca": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    for name, text in files.items():
        (tmp_path / f"{name}.pem").write_text(text)
    return {name: str(tmp_path / f"{name}.pem") for name in files}


@pytest.mark.processes
def test_a_scheduler_that_goes_is_told_of_and_the_verdict_is_broken_off(
    ferry: Path, commands: list[Command], tmp_path: Path, certificates: dict[str, str]
) -> None:
    """Exit code 3, by mutual TLS with certificates from files; what is saved says what broke it off."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    notes = tmp_path / "notes"
    notes.mkdir()
    files = ["--tls-ca-file", certificates["ca"], "--tls-cert", certificates["cert"], "--tls-key", certificates["key"]]
    address = f"tls://127.0.0.1:{port}"
    scheduler = started(ferry, "scheduler", "--host", address, "--no-dashboard", *files)
    own = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--resources", "engine=1", "--preload", PRELOADED]
    worker = started(ferry, "worker", address, *own, *files, env={NOTES: str(notes)})
    try:
        pem = [word for name, file in certificates.items() for word in (f"--cluster-{name}", file)]
        command = Command(ferry, "run", "--plain", "--cluster", f"tcp://127.0.0.1:{port}", *pem)
        commands.append(command)
        until_boots(notes)
        until_observed(ferry)
        scheduler.kill()
        code, said = command.end()
        assert code == 3, said
        assert "scheduler is gone" in said, said
        saved = newest_run(ferry / ".envparity" / "runs").verdict
        assert (saved.exit_code, saved.clean) == (3, False)
        assert "scheduler is gone" in saved.broken_off
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait(MOMENT_S)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--cluster", "tls://10.0.0.1:8786"), "--cluster-key"),
        (("--cluster", "tcp://10.0.0.1:8786"), "mutual TLS"),
        (("--cluster", "local:0"), "local:N"),
        (("--cluster", "http://10.0.0.1:8786"), "tls://HOST:PORT"),
        (("--cluster", "local:2", "--cluster-ca", "ca.pem"), "its own"),
        (("--cluster", "local:2", "--shard", "1/2", "--ndjson", "x.ndjson"), "no --shard beside it"),
        (("--cluster-ca", "ca.pem"), "--cluster beside it"),
    ],
)
def test_a_cluster_that_is_not_one_is_refused(
    envparity_: Envparity, options: tuple[str, ...], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 2, and before anything is connected to."""
    for name in ("CA", "CERT", "KEY"):
        monkeypatch.delenv(f"ENVPARITY_CLUSTER_{name}", raising=False)
    result = envparity_("run", *options)
    assert result.exit_code == 2
    assert word in result.output


def test_without_the_extra_it_is_said_what_to_install(envparity_: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envparity.faces.cli.cluster.find_spec", lambda _name: None)
    result = envparity_("run", "--cluster", "local:2")
    assert result.exit_code == 2
    assert "envparity[cluster]" in result.output


def test_certificates_may_be_named_by_the_environment(
    certificates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, file in certificates.items():
        monkeypatch.setenv(f"ENVPARITY_CLUSTER_{name.upper()}", file)
    found = ClusterAddress.parse("tcp://10.0.0.1:8786", None, None, None)
    assert found.scheduler == "tls://10.0.0.1:8786"
    assert found.certificates is not None
    assert str(found.certificates.key) == certificates["key"]


def test_what_a_worker_is_sent_is_a_function_by_its_path_and_json(ferry: Path) -> None:
    """No object of ours is pickled; the secrets are in that JSON alone, and are put back where they are missing."""
    project = load(Inputs.find())
    secrets = secrets_of(project)
    assert secrets.environments["quay"] == {"API_TOKEN": SECRET}
    assignment = Assignment("0a1b2c3d", "backend.toml", "environments", ("quay",), identity_of(project), secrets, "00")
    assert SECRET not in repr(assignment)
    said = msgspec.json.encode(assignment).decode()
    sent = pickle.dumps(prepares_run(said))
    named = [arg for code, arg, _ in pickletools.genops(sent) if isinstance(arg, str) and code.name != "FRAME"]
    assert set(named) == {"envparity.cluster.worker", "prepares_run", said}
    assert isinstance(pickle.loads(sent), PreparesRun)  # noqa: S301  made here
    for file in (ferry / "environments").glob("*.toml"):
        file.write_text(file.read_text().replace(SECRET, "not-on-this-machine"))
    there = load(Inputs.find())
    assert identity_of(there) == identity_of(project)
    whole = msgspec.json.decode(said, type=Assignment).secrets.put_into(there)
    assert whole.environments == project.environments
    assert BOOT_S not in said
