"""The backend's modules are compiled ahead, and a boot still imports what a new process would."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from tests.envparity.launch.agent.conftest import StandIn

Said = Callable[[tuple[str, ...]], Any]
TELL = """\
import importlib, json, standin.part
print(json.dumps({
    "value": standin.part.VALUE,
    "file": standin.part.__file__,
    "cached": standin.part.__cached__,
    "package": standin.part.__package__,
    "loader": isinstance(standin.part.__loader__, importlib.machinery.SourceFileLoader),
}))
"""


async def test_a_module_from_memory_is_as_one_from_its_file(standin: StandIn, said: Said) -> None:
    """Its file, package and kind of loader are those of an ordinary import."""
    standin.write("standin/part.py", "VALUE = 1\n")
    standin.write("standin/__main__.py", TELL)
    async with standin.loaded_agent() as agent:
        boot = await standin.run(agent)
        file = standin.own / "standin" / "part.py"
        cached = importlib.util.cache_from_source(str(file))
        assert said(await boot.log()) == {
            "value": 1,
            "file": str(file),
            "cached": cached,
            "package": "standin",
            "loader": True,
        }


async def test_a_module_that_was_changed_is_imported_as_it_is_now(standin: StandIn, said: Said) -> None:
    """A source that is another one than when it was compiled is compiled by the boot; so is one that is new."""
    standin.write("standin/part.py", "VALUE = 'before'\n")
    standin.write("standin/__main__.py", TELL)
    async with standin.loaded_agent() as agent:
        standin.write("standin/part.py", "from standin.more import VALUE\n")
        standin.write("standin/more.py", "VALUE = 'after it was changed'\n")
        boot = await standin.run(agent)
        assert said(await boot.log())["value"] == "after it was changed"


async def test_a_package_that_searches_elsewhere_is_searched_there(standin: StandIn, said: Said) -> None:
    """A package that changes its `__path__` gets its modules from there, not those that were compiled ahead."""
    standin.write("standin/part.py", "VALUE = 'usual'\n")
    standin.write("standin/elsewhere/part.py", "VALUE = 'elsewhere'\n")
    standin.write("standin/__init__.py", "__path__.insert(0, __path__[0] + '/elsewhere')\n")
    standin.write("standin/__main__.py", TELL)
    async with standin.loaded_agent() as agent:
        boot = await standin.run(agent)
        assert said(await boot.log())["value"] == "elsewhere"


async def test_a_module_that_cannot_be_compiled_fails_in_the_boot(standin: StandIn) -> None:
    """Its SyntaxError is the boot's, with the file's name; the agent boots on."""
    standin.write("standin/part.py", "VALUE = = 1\n")
    standin.write("standin/__main__.py", TELL)
    async with standin.loaded_agent() as agent:
        boot = await standin.run(agent)
        assert boot.end is not None
        assert boot.end.code == 1
        log = "\n".join(await boot.log())
        assert "part.py" in log
        assert "SyntaxError" in log


async def test_a_watched_type_in_a_compiled_module_is_told(standin: StandIn) -> None:
    """The module that defines it runs with the watch in it, also where it makes one while it is imported."""
    standin.write("standin/part.py", "class Seen:\n    pass\nVALUE = bool(Seen())\n")
    standin.write("standin/__main__.py", TELL)
    async with standin.loaded_agent() as agent:
        watched = await standin.run(agent, watch=("Seen",))
        assert "standin.part.Seen" in "\n".join(await watched.log())
        unwatched = await standin.run(agent)
        assert "standin.part.Seen" not in "\n".join(await unwatched.log())
