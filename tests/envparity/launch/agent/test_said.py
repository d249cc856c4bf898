"""What a boot says in its log is told at once."""

from __future__ import annotations

import pytest

from envparity.errors import DeadlineExceeded
from tests.envparity.launch.agent.conftest import WITHIN_S, StandIn


async def test_the_line_that_is_waited_for_is_told_when_it_is_whole(standin: StandIn) -> None:
    """A word at the end of a line that is written in two parts is seen; the boot goes on meanwhile."""
    standin.write(
        "standin/__main__.py",
        """\
        import sys, time
        sys.stdout.write("up"); sys.stdout.flush(); print(" and running")
        time.sleep(60)
        """,
    )
    async with standin.loaded_agent() as agent:
        boot = await agent.boot(standin.command, {}, words=("^failed", "^up and running$"))
        after_s = await boot.until_said(WITHIN_S)
        assert after_s is not None
        assert after_s > 0
        assert boot.end is None
        await boot.stop()


async def test_a_boot_that_never_says_it_is_not_waited_for_longer_than_asked(standin: StandIn) -> None:
    """The deadline is the caller's; and a boot that ends without a word gives None at once."""
    standin.write(
        "standin/__main__.py", "import os, time\nprint('something else')\ntime.sleep(float(os.environ['S']))\n"
    )
    async with standin.loaded_agent() as agent:
        silent = await agent.boot(standin.command, {"S": "60"}, words=("up",))
        with pytest.raises(DeadlineExceeded, match="to say what is waited for"):
            await silent.until_said(0.05)
        await silent.stop()
        over = await agent.boot(standin.command, {"S": "0"}, words=("up",))
        assert await over.until_said(WITHIN_S) is None
