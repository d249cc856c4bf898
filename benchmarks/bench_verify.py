"""How long `envparity verify` takes, from the shell to its exit code, beside the interpreter alone.

Median and slowest of so many runs, each a process of its own, and the processor time of one: the first is of this
machine and of what else it does, the second is not. A deploy step waits for it: 0.5 s is the promise.

    python benchmarks/bench_verify.py [--runs 20]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from envparity.report.attestation.envelope import sealed
from envparity.report.attestation.keys import new_pair, signer
from envparity.report.attestation.predicate import (
    PREDICATE_TYPE,
    SCHEMA,
    Claimed,
    ClaimedExemption,
    ClaimedImage,
    ClaimedOrders,
    ClaimedRevision,
    ResourceDescriptor,
    Statement,
)

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_DIGEST = "a" * 64


def verdict() -> bytes:
    """One as large as the reference backend's, signed with the key of the variable."""
    names = ("local", "staging", "production")
    claimed = Claimed(
        schema=SCHEMA, envparity="0", run="0a1b2c3d", began=dt.datetime.now(dt.UTC).isoformat(), duration_s=50,
        verdict="clean", findings=(), launcher="container", backend="chat", environments=names, cases=120,
        scenarios=300, rules=60, files={f"environments/{name}.toml": _DIGEST for name in names},
        orders=ClaimedOrders(3, tuple(f"{name}: 17 orders of strength 3" for name in names)),
        exemptions=tuple(ClaimedExemption(name, f"report.settings.{n}", "meant") for name in names for n in range(20)),
        images=(ClaimedImage("backend", "chat:1", f"sha256:{_DIGEST}"),), revision=ClaimedRevision(_COMMIT, clean=True),
    )  # fmt: skip
    statement = Statement((ResourceDescriptor("chat:1", {"sha256": _DIGEST}),), PREDICATE_TYPE, claimed)
    return sealed(msgspec.json.encode(statement), signer())


def seconds(command: list[str], runs: int) -> list[float]:
    """How long each of so many runs takes; every one must succeed."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    """Print a line for the interpreter, and one for the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        private, public = new_pair()
        os.environ["ENVPARITY_SIGNING_KEY"] = private.decode()
        (folder / "gate.pub").write_bytes(public)
        (folder / "verdict.json").write_bytes(verdict())
        del os.environ["ENVPARITY_SIGNING_KEY"]
        command = [sys.executable, "-m", "envparity", "verify", str(folder / "verdict.json")]
        command += ["--key", str(folder / "gate.pub"), "--image", f"sha256:{_DIGEST}", "--commit", _COMMIT]
        command += ["--require", "launcher=container,orders=3"]
        for what, argv in (("python -c pass", [sys.executable, "-c", "pass"]), ("envparity verify", command)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken = seconds(argv, runs)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / runs
            median, slowest = statistics.median(taken), max(taken)
            print(f"{what:<17} median {median:.3f} s, slowest {slowest:.3f} s, of a processor {used:.3f} s, of {runs}")


if __name__ == "__main__":
    main()
