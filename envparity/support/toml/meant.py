"""What was meant by a word that is not known: a slip of the keys, a piece of a name, a name that others have for it.

A wrong suggestion costs more than none: who follows it is worse off than who reads what is known.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean"]

_LETTERS_A_SLIP = 3  # of so many letters one may be wrong
_LEAST_PIECE = 3  # letters of a piece by which a longer name is known
_LONGEST = 200

_OTHERS_SAY = {
    "auth": ("tokens",),
    "authentication": ("tokens",),
    "jwt": ("tokens",),
    "env": ("settings", "variables"),
    "environment": ("settings", "variables"),
    "environments": ("settings",),
    "variables": ("settings",),
    "envs": ("settings",),
    "services": ("dependencies",),
    "depends_on": ("dependencies",),
    "url": ("websocket_path",),
    "path": ("websocket_path",),
    "endpoint": ("websocket_path",),
    "tests": ("scenario",),
    "protocol": ("frames", "codec"),
    "proxy": ("ingress",),
    "resources": ("platform",),
    "scale": ("replicas",),
    "instances": ("replicas",),
    "memory": ("memory_mib",),
    "cpu": ("cpus",),
    "healthcheck": ("health",),
    "readiness": ("ready",),
    "liveness": ("live",),
    "cmd": ("command",),
    "receive": ("expect",),
    "wait": ("silence_s",),
    "sleep": ("silence_s",),
}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that was meant as advice, or nothing where none is near enough to be meant."""
    near = _meant(word, sorted(known))
    return f"did you mean {near}?" if near else ""


def _meant(word: str, known: list[str]) -> str | None:
    if not word or len(word) > _LONGEST:
        return None
    others = next((name for name in _OTHERS_SAY.get(word.lower(), ()) if name in known), None)
    slips = [(distance, name) for name in known if (distance := _distance(word, name)) <= _borne(word, name)]
    if slips and min(slips)[0] <= 1:
        return min(slips)[1]
    pieces = sorted((name for name in known if _is_piece(word, name) or _is_piece(name, word)), key=len)
    return others or (pieces[0] if pieces else None) or (min(slips)[1] if slips else None)


def _borne(word: str, name: str) -> int:
    """How many slips are borne between two words: one in a short word, more in longer ones."""
    return max(1, min(len(word), len(name)) // _LETTERS_A_SLIP) if min(len(word), len(name)) > 1 else 1


def _is_piece(short: str, long: str) -> bool:
    """Whether the longer one begins with the shorter one, or ends with it as a word of its own.

    What a dotted name is under is no piece of it.
    """
    if len(short) < _LEAST_PIECE or len(short) >= len(long):
        return False
    begins = long.startswith(short) and long[len(short)] != "."
    return begins or long.endswith((f"_{short}", f".{short}", f"-{short}"))


def _distance(word: str, name: str) -> int:
    """How many letters are wrong, too many, missing, or the wrong way round with their neighbour; case is no matter."""
    word, name = word.lower(), name.lower()[:_LONGEST]
    above: list[int] = []
    row = list(range(len(name) + 1))
    for at, letter in enumerate(word, start=1):
        above, before, row = row, above, [at]
        for to, there in enumerate(name, start=1):
            cost = min(above[to] + 1, row[to - 1] + 1, above[to - 1] + (letter != there))
            if before and to > 1 and letter == name[to - 2] and word[at - 2] == there:
                cost = min(cost, before[to - 2] + 1)
            row.append(cost)
    return row[-1]
