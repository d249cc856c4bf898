"""What to do about a conversation that left its script, by what is known of it, where the rule does not know more."""

from __future__ import annotations

import re

from envparity.observe.transcript import Departure, FrameSent, HandshakeAnswered, Transcript

__all__ = ["advice"]

_PASSES = re.compile(r"[A-Za-z0-9-]+")  # the header names that every ingress passes on
_SWITCHING = 101


def advice(script: Transcript, departure: Departure) -> str:
    """What to do, in a sentence; empty where the evidence does not say more than the rule."""
    answers = [event for event in script.events if isinstance(event, HandshakeAnswered)]
    lost = list(dict.fromkeys(name for answer in answers for name in answer.lost))
    if lost:
        return _of_lost(lost)
    match departure.kind:
        case "handshake":
            mine = [answer for answer in answers if answer.connection == departure.connection]
            return _of_refusal(mine[-1]) if mine else ""
        case "timeout":
            return _of_silence(script, departure, answers)
        case _:
            return ""


def _of_lost(names: list[str]) -> str:
    named = ", ".join(names)
    if all(_PASSES.fullmatch(name) for name in names):
        return f"Have the ingress pass on {named}: what the client sent there did not arrive."
    return (
        f"Send {named} under a name of letters, digits and hyphens alone: an ingress drops others by default "
        "(nginx: underscores_in_headers, ignore_invalid_headers)."
    )


def _of_refusal(answer: HandshakeAnswered) -> str:
    match answer.answered_by, answer.replica:
        case "ingress", None:
            return "Compare the request with what the ingress lets pass: it refused it, and asked no replica."
        case "ingress", int() as replica:
            return f"See whether replica {replica + 1} runs and listens on its port: the ingress had no answer from it."
        case "nobody", _:
            return "See whether the backend runs and listens where clients come: nobody answered there."
        case "replica", _ if answer.status != _SWITCHING:
            return (
                "Compare Origin, Host and the forwarding headers, as they arrived, with what the backend allows: it "
                "refused before it accepted. Accept first, then authenticate."
            )
        case _:
            return ""


def _of_silence(script: Transcript, departure: Departure, answers: list[HandshakeAnswered]) -> str:
    """Where one connection waits for what another has sent, a blocked event loop is not the first thing to look for."""
    replicas = {answer.connection: answer.replica for answer in answers if answer.status == _SWITCHING}
    sent = [event.connection for event in script.events if isinstance(event, FrameSent)]
    last = sent[-1] if sent else departure.connection
    if last == departure.connection or not {last, departure.connection} <= replicas.keys():
        return ""
    here, there = replicas[departure.connection], replicas[last]
    if None not in {here, there} and here != there:
        return (
            "Let what one replica hears reach the others, through something that they share (a broker, a database): "
            f"{last} and {departure.connection} were on different replicas."
        )
    return (
        f"See how what {last} sends comes to {departure.connection}: what one worker process keeps in its memory no "
        "other one knows, and a broker's subscription can be lost."
    )
