"""What a verdict on each of docs/examples takes: clean ones so many times, and each of their misconfigurations.

`python -m benchmarks.bench_examples --runs 10 --launcher process` prints a line for each verdict: how it ended, its
seconds, the seconds of processors that it and all it had started took, and the causes that it named; then how many of
how many ended as they have to. `--only NAME` takes one example, `--what clean` or `--what misconfigured` those verdicts
alone.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envparity.judge.cause import Cause, TraitsCause
from envparity.report.saved import read_run
from tests.third_party.test_examples import MISCONFIGURATIONS, NAMES, Misconfiguration, copied

_LONGEST_S = 1800.0


@dataclass(frozen=True)
class Figures:
    """One verdict: what was asked, whether it ended as it has to, what it took, what it said is the cause."""

    name: str
    right: bool
    seconds: float
    processors_s: float
    said: str

    def __str__(self) -> str:
        end = "as it has to" if self.right else "WRONG"
        return f"{self.name:<70}  {end:<12}  {self.seconds:>7.1f} s  {self.processors_s:>7.1f} CPU s  {self.said}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them, print the lines, and return 0 where all ended as they have to."""
    asked = _parser().parse_args(arguments)
    names = [name for name in NAMES if name in (asked.only or NAMES)]
    wrong = [
        misconfiguration
        for misconfiguration in MISCONFIGURATIONS
        if misconfiguration.example in names and asked.what != "clean"
    ]
    figures: list[Figures] = []
    for verdict in _verdicts(names, wrong, 0 if asked.what == "misconfigured" else asked.runs, asked.launcher):
        figures.append(verdict)
        print(verdict, flush=True)
    right = sum(figure.right for figure in figures)
    longest_s = max(figure.seconds for figure in figures)
    print(f"{right} of {len(figures)} ended as they have to; the longest took {longest_s:.1f} s")
    return 0 if right == len(figures) else 1


def _verdicts(
    names: Sequence[str], misconfigured: Sequence[Misconfiguration], runs: int, launcher: str
) -> Iterator[Figures]:
    for each in misconfigured:
        yield _verdict(each.example, launcher, each)
    for name in names:
        for _ in range(runs):
            yield _verdict(name, launcher, None)


def _verdict(name: str, launcher: str, wrong: Misconfiguration | None) -> Figures:
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        Path(temporary).chmod(0o755)  # servers may be other users
        folder = copied(name, Path(temporary))
        if wrong is not None:
            for file in folder.glob(wrong.files):
                text = file.read_text(encoding="utf-8")
                file.write_text(text.replace(wrong.right, wrong.wrong), encoding="utf-8")
        command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", launcher, "--runs", "runs"]
        began, used = time.monotonic(), _processors_s()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        seconds, processors_s = time.monotonic() - began, _processors_s() - used
        (file,) = (folder / "runs").glob("*.ndjson")
        findings = [finding for finding in read_run(file).verdict.findings if not finding.under]
        causes = [(finding.code, _named(finding.cause)) for finding in findings]
    expected = [] if wrong is None else [(wrong.code, wrong.cause)]
    right = causes == expected and done.returncode == (0 if wrong is None else 1)
    said = ", ".join(f"{code} {cause}" for code, cause in causes) or "clean"
    return Figures(str(wrong or name), right, seconds, processors_s, said)


def _named(cause: Cause | None) -> str:
    """The traits of a cause, in the words of the files."""
    if not isinstance(cause, TraitsCause):
        return type(cause).__name__
    return " or ".join(" and ".join(traits) for traits in cause.alternatives)


def _processors_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="how many verdicts on each as it stands (10)")
    parser.add_argument("--launcher", choices=["process", "container"], default="process")
    parser.add_argument("--only", action="append", choices=NAMES, help="that example alone")
    parser.add_argument("--what", choices=["both", "clean", "misconfigured"], default="both", help="which verdicts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
