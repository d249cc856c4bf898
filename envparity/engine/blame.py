"""The commit that made it red, by bisection, with whole runs as the oracle. Whoever asks has the runs made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from envparity.errors import ConfigurationError, LaunchError, Mistake
from envparity.isolate.commits import State, blame
from envparity.judge import conduct
from envparity.judge.cause import CommitCause
from envparity.judge.finding import Finding, Verdict

__all__ = ["Tell", "blame_commits", "looked_for", "shown_by"]

_BACKEND_IMAGE = "backend"

Tell = Callable[[str, int, State | None], None]
"""Is told which commit is tried, how many more at most come after it, and, once that is known, what it is."""


def blame_commits(
    commits: Sequence[str], shown: Sequence[Finding], verdict_of: Callable[[str], Verdict], tell: Tell
) -> CommitCause:
    """The first of these commits, oldest first, that shows any of `shown`; several where those between cannot be run.

    A commit whose files are wrong, or whose image cannot be built, says nothing. Raises what else `verdict_of` raises.
    """

    def state(commit: str, more: int) -> State:
        tell(commit, more, None)
        found = _state(commit, shown, verdict_of)
        tell(commit, more, found)
        return found

    return CommitCause(blame(commits, state).suspects)


def looked_for(bad: Verdict, wanted: str | None, span: str) -> tuple[Finding, ...]:
    """The findings of BAD that are looked for. Raises `ConfigurationError` where there are none."""
    found = [
        finding for finding in bad.findings if wanted is None or wanted.upper() in {finding.code, finding.id.upper()}
    ]
    if not found:
        expected = "BAD to be red" if wanted is None else f"BAD to show {wanted}"
        others = ", ".join(dict.fromkeys(finding.id for finding in bad.findings))
        got = f"red, but with {others}" if others else "clean"
        raise ConfigurationError([Mistake("blame", 0, span, expected, got)])
    return tuple(found)


def shown_by(verdict: Verdict, shown: Sequence[Finding]) -> tuple[Finding, ...]:
    """What the verdict has of these findings."""
    wanted = {finding.identity for finding in shown}
    return tuple(finding for finding in verdict.findings if finding.identity in wanted)


def _state(commit: str, shown: Sequence[Finding], verdict_of: Callable[[str], Verdict]) -> State:
    try:
        verdict = verdict_of(commit)
    except ConfigurationError:
        return "does not build"
    except LaunchError as error:
        # An image of the dependencies that cannot be had is the machine's matter, and ends it.
        if getattr(error, "image", None) != _BACKEND_IMAGE:
            raise
        return "does not build"
    if shown_by(verdict, shown):
        return "red"
    # What was never stood up cannot show anything, and is not clean for that.
    return "does not build" if any(conduct(finding).not_stood_up for finding in verdict.findings) else "clean"
