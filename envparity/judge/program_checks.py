"""What the rules about a backend's further programs look at: its jobs, and what runs beside its replicas."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import LogQuote
from envparity.judge.finding import Breach
from envparity.judge.view import RunView
from envparity.judge.volatile import words_alone
from envparity.observe.record import Observation

__all__ = ["job_failed", "program_ended"]

_LOG_LINES = 12


def job_failed(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """A job did not end with exit code 0. One that refuses a certificate for another host may end as it likes."""
    if observation.case.boot.other_host:
        return
    for run in observation.jobs:
        if run.exit_code == 0:
            continue
        late = f"not ended after {run.duration_s:.0f} s"
        got = late if run.exit_code is None else f"ended with exit code {run.exit_code}"
        last = next((words_alone(line) for line in reversed(run.log) if line.strip()), "")
        yield Breach(
            where=run.title,
            expected="it ends with exit code 0",
            got=got,
            nature=f"{'not ended' if run.exit_code is None else got}: {last}",
            evidence=(LogQuote(run.title, run.log[-_LOG_LINES:]),),
        )


def program_ended(_view: RunView, observation: Observation) -> Iterator[Breach]:
    """A further program of the backend does not run, or was not there in time. The same is true of it."""
    if observation.case.boot.other_host:
        return
    for run in observation.processes:
        if run.exit_code is not None:
            got = f"ended with exit code {run.exit_code}"
        elif run.ready_after_s is None:
            got = f"not ready after {run.ready_s:g} s"
        else:
            continue
        last = next((words_alone(line) for line in reversed(run.log) if line.strip()), "")
        yield Breach(
            where=f"process {run.name}",
            expected="it is there in its time, and runs as long as the backend does",
            got=got,
            nature=f"{got}: {last}",
            evidence=(LogQuote(f"process {run.name}", run.log[-_LOG_LINES:]),),
        )
