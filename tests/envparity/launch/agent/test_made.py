"""What a warm boot's log tells of objects that were made is told apart from the backend's own lines."""

from __future__ import annotations

import json

from envparity.launch.agent.inside.watching import MARK
from envparity.launch.agent.made import told_apart
from tests.envparity.launch.agent.conftest import StandIn

MADE = {
    "type": "chat.managers.WebSocketManager",
    "function": "__init__",
    "chain": [{"module": "chat.main", "line": 3}, {"module": "chat.auth", "line": 61}],
}


def test_objects_are_told_in_words_and_the_log_is_the_backends_own() -> None:
    """The innermost caller first; the empty line that the mark brings along goes with it."""
    lines, made = told_apart(["starting", "", MARK + json.dumps(MADE), "listening"])
    assert lines == ["starting", "listening"]
    assert made == ("chat.managers.WebSocketManager made in __init__ at chat.auth:61 < chat.main:3",)


def test_a_line_that_was_cut_off_is_told_as_it_is() -> None:
    """The log is bounded; nothing fails for it."""
    _, made = told_apart([MARK + '{"type": "chat.mana'])
    assert made == ('{"type": "chat.mana',)


async def test_every_object_of_a_watched_type_is_told_and_no_other(standin: StandIn) -> None:
    """Made at import, in the boot and nowhere else; with the line that made it."""
    standin.write("standin/managers.py", "class Manager:\n    pass\n\n\nclass Other:\n    pass\n")
    standin.write(
        "standin/auth.py", "from standin.managers import Manager, Other\n\nmanager = Manager()\nother = Other()\n"
    )
    standin.write("standin/__main__.py", "import standin.auth\nprint('ran')\n")
    async with standin.loaded_agent() as agent:
        lines, made = told_apart(await (await standin.run(agent, watch=("Manager",))).log())
        unwatched = told_apart(await (await standin.run(agent)).log())
    assert [line for line in lines if line] == ["ran"]
    assert len(made) == 1
    assert made[0].startswith("standin.managers.Manager made in <module> at standin.auth:3")
    assert unwatched == (["ran"], ())
