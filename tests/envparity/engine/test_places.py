"""As many boots at once as the machine bears, and one alone when that is asked for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from envparity.engine import places as places_module
from envparity.engine.places import Places


async def _taken_at_once(places: Places, *, idle: bool = False) -> int:
    """How many places are given before one has to wait."""
    async with AsyncExitStack() as exits:
        for taken in range(10):
            try:
                async with asyncio.timeout(0.02):
                    await exits.enter_async_context(places.place(idle=idle))
            except TimeoutError:
                return taken
    return 10


async def test_a_machine_that_stalls_is_given_one_boot_less_until_there_is_one() -> None:
    """Every boot that ends beside a stalled machine takes its place with it; there is always one."""
    places = Places(3, share=lambda: 0.8)
    for allowed in (2, 1, 1):
        async with places.place():
            pass
        assert places.allowed == allowed
    assert await _taken_at_once(places) == 1


async def test_a_machine_that_bears_it_has_its_places_back() -> None:
    """Up to the first number and not beyond."""
    shares = [0.8, 0.8, 0.1, 0.1, 0.1]
    places = Places(3, share=lambda: shares.pop(0))
    for allowed in (2, 1, 2, 3, 3):
        async with places.place():
            pass
        assert places.allowed == allowed


async def test_a_machine_that_waits_with_them_is_given_more_than_at_first() -> None:
    """One more with each look at which it hardly stalled, eight at most; what it just bears leaves them as they are."""
    shares = [0.1, 0.45, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6]
    places = Places(share=lambda: shares.pop(0), cores=2)
    assert places.allowed == 3
    for allowed in (4, 4, 5, 6, 7, 8, 8, 7):
        async with places.place():
            pass
        assert places.allowed == allowed


async def test_who_waits_is_let_in_beside_a_long_boot_that_only_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is given back meanwhile: that boot was busy, and now it only waits."""
    monkeypatch.setattr(places_module, "_LOOK_S", 0.01)
    shares = [0.8, 0.8, 0.8, 0.8, 0.1]
    places = Places(3, share=lambda: shares.pop(0))
    for _ in range(2):
        async with places.place():
            pass
    async with asyncio.timeout(10), places.place():
        assert places.allowed == 1
        async with places.place():
            assert (places.allowed, shares) == (2, [])
            shares += [0.1, 0.1]


async def test_who_waits_for_an_idle_time_has_a_place_of_its_own() -> None:
    """It uses no processor, so neither the other boots nor the stalls take it away."""
    places = Places(1, share=lambda: None)
    async with places.place():
        assert await _taken_at_once(places, idle=True) == 1


async def test_alone_means_that_nobody_has_a_place() -> None:
    """It begins when the last has ended, before whoever came meanwhile; those go on afterwards."""
    places, said = Places(2, share=lambda: None), list[str]()
    first_begins, first_may_end = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with places.place(idle=True):
            said.append("first")
            first_begins.set()
            await first_may_end.wait()
            said.append("first ends")

    async def alone() -> None:
        async with places.alone():
            said.append("alone")
            await asyncio.sleep(0)
            said.append("alone ends")

    async def late() -> None:
        async with places.place():
            said.append("late")

    tasks = [asyncio.create_task(first()), asyncio.create_task(alone())]
    await first_begins.wait()
    tasks.append(asyncio.create_task(late()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert said == ["first"]
    first_may_end.set()
    await asyncio.gather(*tasks)
    assert said == ["first", "first ends", "alone", "alone ends", "late"]


async def test_who_boots_ahead_leaves_each_question_its_place() -> None:
    """Of three places two are for boots ahead of one search, and one for those of two; none where somebody waits."""
    places, under_way = Places(3, share=lambda: None), 1
    with places.booting_ahead(lambda: under_way):
        assert places.is_spare()
        with places.booting_ahead(lambda: 0):
            assert not places.is_spare()
        under_way = 2
        assert not places.is_spare()
    under_way = 0
    with places.booting_ahead(lambda: under_way):
        async with AsyncExitStack() as exits:
            for _ in range(3):
                assert places.is_spare()
                await exits.enter_async_context(places.place())
            assert not places.is_spare()


async def test_nothing_is_booted_ahead_in_a_place_that_there_was_not_at_first() -> None:
    """However calm the machine is."""
    places = Places(share=lambda: 0.0, cores=2)
    for _ in range(5):
        async with places.place():
            pass
    assert places.allowed == 8
    under_way = 0
    async with AsyncExitStack() as exits:
        with places.booting_ahead(lambda: under_way):
            assert places.is_spare()
            under_way = 2
            assert not places.is_spare()
            under_way = 0
            for _ in range(3):
                assert places.is_spare()
                await exits.enter_async_context(places.place())
            assert not places.is_spare()
