"""The moments of a failure in words: who answered, what arrived, what was logged, who ended a silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.evidence import Evidence, HeadersLost, Logged, ReplicasReached, SilentWait, WhoAnswered
from envparity.observe.transcript import HandshakeAnswered, Header

__all__ = ["moment_lines"]

_SHOWN_BODY = 200


def moment_lines(evidence: Evidence) -> Iterator[str]:
    """The lines of evidence of that kind; none for any other."""
    match evidence:
        case WhoAnswered(handshake=answer):
            yield f"who answered: {_who(answer)}"
            if answer.status and (body := " ".join(answer.body.split())):
                yield f"body: {body[:_SHOWN_BODY]}{'…' if len(body) > _SHOWN_BODY else ''}"
            yield f"the client sent: {_headers(answer.sent)}"
            if answer.arrived is not None and answer.arrived != answer.sent:
                yield f"there arrived: {_headers(answer.arrived)}"
        case HeadersLost(handshake=answer):
            yield f"sent and did not arrive at the replica: {', '.join(answer.lost)} ({_who(answer)} answered)"
        case ReplicasReached(replicas=replicas):
            yield f"connections: {', '.join(f'{name} on replica {replica + 1}' for name, replica in replicas)}"
        case SilentWait(waited=waited, close=close):
            ended = "the client, who gave up"
            if close is not None:
                told = f"close {close.code} {close.reason}".rstrip()
                ended = f"the server, {close.at_s - waited.at_s:.1f} s later, with {told}"
            yield f"silent for {waited.timeout_s:g} s on connection {waited.connection}; ended by {ended}"
        case Logged(source=source, lines=lines, more=more):
            yield from _logged(source, lines, more)
        case _:
            return


def _logged(source: str, lines: Sequence[str], more: int) -> Iterator[str]:
    """One line by itself; several below who wrote them."""
    if len(lines) == 1 and not more:
        yield f"{source} logged: {lines[0]}"
        return
    yield f"{source} logged in those moments:"
    yield from (f"  {text}" for text in lines)
    if more:
        yield f"  … and {more} {'line' if more == 1 else 'lines'} more"


def _who(answer: HandshakeAnswered) -> str:
    replica = "" if answer.replica is None else f" {answer.replica + 1}"
    match answer.answered_by:
        case "replica":
            return f"replica{replica}"
        case "ingress":
            return f"the ingress; replica{replica} gave no answer" if replica else "the ingress; no replica was asked"
        case "nobody":
            return f"nobody: {answer.error}"
        case _:
            return "not known: what stands in front is not ours"


def _headers(headers: Iterable[Header]) -> str:
    return (
        ", ".join(header.name if header.value is None else f"{header.name}: {header.value}" for header in headers)
        or "nothing"
    )
