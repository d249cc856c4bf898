"""How many verdicts on a clean tree are red beside a load: none may be.

`python benchmarks/false_alarms.py --runs 10 --load 12 --launcher process` runs that many verdicts beside that many busy
loops, prints one line each with its duration and what the machine was stalled, and exits with 1 if any was red, with 3
if none was (but the machine let some not be judged), else with 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LONGEST_LOAD_S = 4 * 3600  # a loop ends by itself, whatever becomes of who has started it
LONGEST_RUN_S = 3600
_LOOP = """
import os, time
parent, until = os.getppid(), time.monotonic() + {seconds}
while time.monotonic() < until and os.getppid() == parent:
    sum(range(100_000))
"""
_CLEAN, _RED, _NO_VERDICT = 0, 1, 3
_WORDS = {_CLEAN: "clean", _RED: "RED", _NO_VERDICT: "no verdict"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them, print the table, and return the exit code."""
    asked = _parser().parse_args(arguments)
    ends: Counter[int] = Counter()
    print(f"{'run':>4}  {'end':<10}  {'seconds':>8}  machine", flush=True)
    with load(asked.load):
        for number in range(1, asked.runs + 1):
            began = time.monotonic()
            code, said = verdict(asked.launcher, asked.envparity)
            ends[code] += 1
            end, took_s = _WORDS.get(code, f"exit {code}"), time.monotonic() - began
            print(f"{number:>4}  {end:<10}  {took_s:>8.1f}  {machine(said)}")
            if code != _CLEAN:
                print(said)
            sys.stdout.flush()
    counts = ", ".join(f"{count} {_WORDS.get(code, f'exit {code}')}" for code, count in sorted(ends.items()))
    print(f"{asked.runs} verdicts by {asked.launcher} beside a load of {asked.load}: {counts}")
    return exit_code(ends)


def exit_code(ends: Counter[int]) -> int:
    """1 where any verdict was red or a run broke, 3 where some could not be judged, 0 where all were clean."""
    if any(count for code, count in ends.items() if code not in {_CLEAN, _NO_VERDICT}):
        return _RED
    return _NO_VERDICT if ends[_NO_VERDICT] else _CLEAN


@contextmanager
def load(size: int, seconds: float = LONGEST_LOAD_S) -> Iterator[None]:
    """That many busy loops, each of which ends with this, with this process, and after `seconds`."""
    loop = _LOOP.format(seconds=seconds)
    loops = [subprocess.Popen([sys.executable, "-I", "-S", "-c", loop]) for _ in range(size)]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


def verdict(launcher: str, options: Sequence[str]) -> tuple[int, str]:
    """One run's exit code and all that it said."""
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", launcher, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False)
    return done.returncode, done.stdout + done.stderr


def machine(said: str) -> str:
    """What the verdict says of the machine."""
    lines = said.splitlines()
    return next((line.partition("machine")[2].strip() for line in lines if line.strip().startswith("machine ")), "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="how many verdicts (10)")
    parser.add_argument("--load", type=int, default=12, help="how many busy loops beside them (12)")
    parser.add_argument("--launcher", choices=["process", "container"], default="process")
    parser.add_argument("envparity", nargs="*", help="options of `envparity run`, behind --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
