"""Who comes and goes and says nothing: whose beginning that is, how it goes, and when what is left is looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.engine import visits
from envparity.engine.visits import quiet_visit, visit
from envparity.model.case import Boot
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, Expect, Http, Send, Silence, Step
from envparity.observe.usage import Visits
from tests.envparity.engine.visitors import Visitors

COMES: tuple[Step, ...] = (Connect("valid"), Expect(("welcome",)))
ASKS = Scenario("asks", steps=(*COMES, Send({"type": "ask"}), Expect(("answer",)), Close(1000)))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "_BETWEEN_LOOKS_S", 0.0)


def test_a_visit_is_the_beginning_of_the_first_scenario_that_begins_so() -> None:
    """Until somebody says something."""
    others = [
        Scenario("refused", steps=(Connect("expired"),)),
        Scenario("asked", steps=(Http("GET /"), *COMES)),
        Scenario("two", steps=(Connect("valid"), Connect("valid", on="b"))),
        Scenario("turned away", steps=(Connect("valid", status=403),)),
        Scenario("crowd", clients=9, steps=COMES),
        Scenario("restarts", disruptive=True, steps=COMES),
        Scenario("early", part="starting", steps=COMES),
        Scenario("late", steps=(Connect("valid"), Expect(("welcome",), within_s=30.0))),
    ]
    chosen = quiet_visit([*others, ASKS])
    assert chosen is not None
    assert (chosen.name, chosen.steps) == ("asks", COMES)
    assert quiet_visit(others) is None
    silent = Scenario("silent", boot=Boot(), steps=(*COMES, Silence(9.0)))
    assert quiet_visit([silent]) is not None


class Redis(Visitors):
    """Stands for a stack and a player: each visit leaves what it is told to, and each look takes some of it away."""

    def __init__(self, left: float = 0.0, swept: int = 0, *, breaks_at: int = 99, says: bool = True) -> None:
        super().__init__(breaks_at)
        self.left, self.swept, self.says = left, swept, says
        self.taken = 0.0
        self.looks = 0

    async def holdings(self) -> dict[str, dict[str, int]]:
        self.looks += 1
        self.taken = min(self.left * len(self.went), self.taken + self.swept)
        held = int(self.left * len(self.went) - self.taken)
        return {"redis": {"seen:*": held}} if self.says else {}


async def seen(redis: Redis, *scenarios: Scenario) -> tuple[Visits, ...]:
    return await visit(cast("Any", redis), cast("Any", redis), scenarios or [ASKS])


async def test_the_same_user_goes_in_both_ways_and_what_is_left_is_counted() -> None:
    redis = Redis(left=1.0)
    found = await seen(redis)
    assert [(looked.made, looked.held["redis"]["seen:*"]) for looked in found] == [(2, 2), (12, 12), (22, 22)]
    assert redis.went == [Close(1000), Drop("a")] * 11
    assert len(redis.users) == 1


async def test_what_is_being_given_back_is_waited_for() -> None:
    """A sweep that takes a while; who leaves nothing is looked at once."""
    swept = Redis(left=1.0, swept=1)
    assert [looked.held["redis"]["seen:*"] for looked in await seen(swept)] == [1, 1, 1]
    clean = Redis()
    await seen(clean)
    assert clean.looks == 1 + 3


@pytest.mark.parametrize("redis", [Redis(1.0, says=False), Redis(1.0, breaks_at=5)], ids=["says nothing", "broken"])
async def test_nothing_is_said_where_a_visit_goes_wrong_or_nobody_says_what_it_holds(redis: Redis) -> None:
    assert await seen(redis) == ()


async def test_nothing_is_asked_where_nobody_can_come_so() -> None:
    assert await seen(Redis(1.0), Scenario("refused", steps=(Connect("expired"),))) == ()
    assert await visit(cast("Any", Redis()), cast("Any", SimpleNamespace()), [ASKS]) == ()
