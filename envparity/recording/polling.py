"""What came by long polling: how it is cut into answers, which is a matter of the moments in which a client asks.

A page polls while it speaks; a scenario asks when it has spoken, and gets all that was said by then in one answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from envparity.observe.frame import Frame, JsonFrame
from envparity.recording.events import HttpExchange
from envparity.recording.speech import Speech
from envparity.recording.turns import Turn
from envparity.recording.values import is_braced

__all__ = ["Cuts", "cut", "frames_in", "recut", "types_of"]

Cuts = dict[int, tuple[int, ...]]
"""How many frames each answer of a run of polls brings, by the run's number; one answer brings all where none is."""


def cut(turns: Sequence[Turn], cuts: Mapping[int, tuple[int, ...]]) -> list[Turn]:
    """The turns, in which polls that followed one another bring their frames in answers of these sizes."""
    made: list[Turn] = []
    for run, (polls, together) in enumerate(groupby(_numbered(turns), key=lambda value: value[0])):
        of_run = [turn for _, turn in together]
        made += _answers(of_run, run, cuts.get(run)) if polls >= 0 else of_run
    return made


def _numbered(turns: Sequence[Turn]) -> Iterator[tuple[int, Turn]]:
    """The turns, each with the number of its run of polls; -1 for what is of none. Polls that brought nothing are
    left out.
    """
    number, session = 0, None
    for turn in turns:
        silent = isinstance(turn.event, HttpExchange) and turn.posted is not None and not turn.posted.frames
        if (turn.polled and not turn.brings_frames) or silent:
            continue
        if not turn.brings_frames or turn.session != session or not turn.session:
            number += 1
        session = turn.session if turn.brings_frames else None
        yield number if turn.brings_frames else -1, turn


def _answers(polls: Sequence[Turn], run: int, sizes: tuple[int, ...] | None) -> Iterator[Turn]:
    frames = [frame for poll in polls for frame in (poll.answer if isinstance(poll.answer, list) else [])]
    begin = 0
    for place, size in enumerate(sizes or (len(frames),)):
        yield replace(polls[min(place, len(polls) - 1)], answer=frames[begin : begin + size], run=run)
        begin += size


def recut(cuts: Cuts, turns: Sequence[Turn], number: int, brought: int) -> bool:
    """Have that turn bring so many frames, and another one after it the rest. False: that is no way to cut it."""
    turn = turns[number]
    wanted = len(turn.answer) if isinstance(turn.answer, list) else 0
    if turn.run < 0 or not 0 < brought < wanted:
        return False
    sizes = [
        len(each_turn.answer) for each_turn in turns if each_turn.run == turn.run and isinstance(each_turn.answer, list)
    ]
    place = sum(each_turn.run == turn.run for each_turn in turns[:number])
    cuts[turn.run] = (*sizes[:place], brought, wanted - brought, *sizes[place + 1 :])
    return True


def frames_in(body: Frame | None) -> int:
    """How many frames an answer of a play has brought."""
    held = body.value if isinstance(body, JsonFrame) else None
    listed = held.get("json") if isinstance(held, dict) else held
    return len(listed) if isinstance(listed, list) else 0


def types_of(turn: Turn, speech: Speech) -> dict[str, object]:
    """What each frame of a polled answer says that it is, by its dotted name in that."""
    made: dict[str, object] = {}
    for place, frame in enumerate(turn.answer if turn.brings_frames and isinstance(turn.answer, list) else []):
        kind = speech.type_of(frame)
        name = next((key for key, value in frame.items() if value == kind), None) if kind is not None else None
        if name and "." not in name and not is_braced(f"{name}{kind}"):
            made[f"{place}.{name}"] = kind
    return made
