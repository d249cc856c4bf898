"""What a process can be given of a platform's limits, and what is said of the rest."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.errors import LaunchError
from envparity.launch.process import limits
from envparity.launch.process.limits import Processors, backend_argv, cannot_check, user_of, why_not_as
from envparity.model.backend import ProcessSource
from envparity.model.environment import Dependency, Environment, Ingress, Platform

PYTHON = ProcessSource(("python3", "-m", "chat"), Path())


def test_what_nobody_asks_for_is_no_gap() -> None:
    """A developer's machine without limits lacks its image and its network, and no more."""
    gaps = cannot_check(PYTHON, [Environment("local")])
    assert [gap.split(" (")[0] for gap in gaps] == ["the image", "the network"]


def test_every_limit_that_cannot_be_kept_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many environments ask for it."""
    monkeypatch.setattr(limits, "find_nginx", lambda: None)
    monkeypatch.setattr(limits, "why_not_as", lambda *_: "this is not root")
    platform = Platform(cpus=0.5, memory_mib=512, user=10001, read_only_root=True)
    strict = Environment(
        "staging",
        platform=platform,
        ingress=Ingress("nginx", tls=True),
        dependencies={"redis": Dependency("redis", "require")},
    )
    gaps = cannot_check(PYTHON, [strict, strict])
    words = ("the image", "the memory limit", "the processor limit", "the read-only root",
             "the user (10001: this is not root)", "nginx", "the servers' own TLS", "the network")  # fmt: skip
    assert len(gaps) == len(words)
    assert all(gap.startswith(word) for gap, word in zip(gaps, words, strict=True)), gaps


def test_processors_are_handed_out_in_turn() -> None:
    """As many as the platform allows, never more than there are; None where there is no limit."""
    processors = Processors()
    assert processors.take(Platform()) is None
    usable = frozenset(os.sched_getaffinity(0))
    taken = [processors.take(Platform(cpus=1)) for _ in usable]
    assert frozenset().union(*(processors or frozenset() for processors in taken)) == usable
    assert processors.take(Platform(cpus=1000)) == usable
    assert len(processors.take(Platform(cpus=0.5)) or ()) == 1


def test_the_platforms_user_is_taken_where_he_may_run_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only by root, and not where the program or the code is in a folder that he may not enter."""
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "chat").touch(mode=0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    anywhere = Path("/")
    assert user_of(Platform(user=10001), ("/bin/sh",), anywhere) == 10001
    assert user_of(Platform(user=10001), (str(hidden / "chat"),), anywhere) is None
    assert user_of(Platform(user=10001), ("/bin/sh",), hidden) is None
    assert user_of(Platform(), ("/bin/sh",), anywhere) is None
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert user_of(Platform(user=10001), ("/bin/sh",), anywhere) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_replica_runs_as_whoever_its_folder_belongs_to(folder_for_all: Path) -> None:
    """So it writes where it writes when its developer starts it, and is not root where he is not."""
    assert user_of(Platform(), ("/bin/sh",), folder_for_all) is None
    os.chown(folder_for_all, 4321, 4321)
    assert user_of(Platform(), ("/bin/sh",), folder_for_all) == 4321
    assert user_of(Platform(user=10001), ("/bin/sh",), folder_for_all) == 10001
    assert user_of(Platform(user=0), ("/bin/sh",), folder_for_all) is None
    folder_for_all.chmod(0o700)
    assert user_of(Platform(), ("/bin/sh",), folder_for_all) is None


@pytest.fixture
def folder_for_all() -> Iterator[Path]:
    """One that everybody may enter; pytest's own are the user's."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def test_a_program_is_found_beside_our_own_interpreter_and_in_the_backends_folder(tmp_path: Path) -> None:
    """A path is relative to the folder; one that is nowhere is said."""
    assert Path(backend_argv(PYTHON)[0]).parent == Path(sys.executable).parent
    (tmp_path / "serve").touch(mode=0o755)
    assert backend_argv(ProcessSource(("./serve", "x"), tmp_path)) == (str(tmp_path / "./serve"), "x")
    with pytest.raises(LaunchError, match="'no-such-program' is not on this machine"):
        backend_argv(ProcessSource(("no-such-program",), tmp_path))


def test_what_a_shell_starts_must_be_readable_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shell is for everybody; the program of its command, or the interpreter of that, may be its owner's alone."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    hidden, open_ = tmp_path / "hidden", Path("/tmp") / f"envparity-{tmp_path.name}"  # noqa: S108  its parents are open
    hidden.mkdir(mode=0o700)
    (hidden / "python9").write_text("#!/bin/sh\n")
    (hidden / "python9").chmod(0o755)
    open_.mkdir(mode=0o755)
    try:
        (open_ / "serve").write_text(f"#!{hidden}/python9\n")
        (open_ / "serve").chmod(0o755)
        anywhere = Path("/")
        assert why_not_as(10001, ("/bin/sh", "-c", "exec cat --port $PORT"), anywhere) == ""
        for program in (hidden / "python9", open_ / "serve"):
            why = why_not_as(10001, ("/bin/sh", "-c", f"exec {program} --port $PORT"), anywhere)
            assert program.name in why
            assert user_of(Platform(user=10001), ("/bin/sh", "-c", f"exec {program}"), anywhere) is None
    finally:
        shutil.rmtree(open_)
