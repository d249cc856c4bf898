"""A case is a key: equal when the same thing would be booted. A timeline says what can be reached when."""

from __future__ import annotations

import msgspec
import pytest

from envparity.model.case import Boot, Case


def test_equal_boots_are_one_case() -> None:
    """So a case is booted once, whoever asks for it."""
    assert len({Case("staging", "chat", Boot(down=("redis",))), Case("staging", "chat", Boot(down=("redis",)))}) == 1


def test_an_id_is_the_name_alone_when_nothing_departs() -> None:
    """People read it in `docker ps`."""
    assert Case("staging", "chat").id == "staging"


def test_ids_differ_when_boots_differ() -> None:
    """Two cases never share containers."""
    boots = [
        Boot(),
        Boot(down=("redis",)),
        Boot(settings=(("A", "1"),)),
        Boot(order=("a", "b")),
        Boot(order=("b", "a")),
        Boot(timeline=("backend", "redis")),
        Boot(timeline=("redis", "backend")),
        Boot(other_host=("redis",)),
        Boot(other_host=("postgres",)),
        Boot(silent_start=("postgres",)),
        Boot(silent_start=("postgres", "redis")),
    ]
    assert len({Case("staging", "chat", boot).id for boot in boots}) == len(boots)


def test_the_ids_of_saved_runs_are_known_again() -> None:
    """A key that a boot has since then changes only the ids of boots that say it."""
    slow = Boot(settings=(("A", "1"),), slow=(("redis", 0.2),), clocks=(1.5,))
    assert Case("staging", "chat", Boot(down=("redis",))).id == "staging-a31846"
    assert Case("staging", "chat", slow).id == "staging-92960f"


@pytest.mark.parametrize(
    ("boot", "words"),
    [
        (Boot(down=("redis",), settings=(("A", "1"),)), "staging (redis down, A=1)"),
        (Boot(other_host=("redis",)), "staging (redis with a certificate for another host)"),
        (Boot(silent_start=("a", "b")), "staging (stopped while it waits for a or b)"),
        (Boot(order=("a", "b")), "staging (order a,b)"),
        (Boot(timeline=("redis", "backend", "-redis")), "staging (redis then backend then -redis)"),
    ],
)
def test_a_case_in_words_says_what_departs(boot: Boot, words: str) -> None:
    """`staging (redis down, A=1)`."""
    assert str(Case("staging", "chat", boot)) == words


@pytest.mark.parametrize(
    ("timeline", "before", "after", "unreachable"),
    [
        ((), (), (), ()),
        (("backend",), (), (), ()),
        (("postgres", "redis", "backend"), ("postgres", "redis"), (), ()),
        (("postgres", "backend", "redis"), ("postgres",), ("redis",), ("redis",)),
        (("backend", "redis", "postgres"), (), ("redis", "postgres"), ("postgres", "redis")),
        (("postgres", "-postgres", "backend", "postgres"), ("postgres", "-postgres"), ("postgres",), ("postgres",)),
        (("postgres", "backend", "-postgres", "postgres"), ("postgres",), ("-postgres", "postgres"), ()),
        (("backend", "-postgres", "postgres"), (), ("-postgres", "postgres"), ("postgres",)),
    ],
)
def test_a_timeline_says_what_the_backend_finds_and_what_happens_later(
    timeline: tuple[str, ...], before: tuple[str, ...], after: tuple[str, ...], unreachable: tuple[str, ...]
) -> None:
    """What it names is out of reach until its turn; what was taken away again is out of reach too."""
    boot = Boot(timeline=timeline)
    assert (boot.before_start, boot.after_start, boot.unreachable_at_start) == (before, after, unreachable)


def test_what_is_down_is_out_of_reach_whatever_the_timeline() -> None:
    """Sorted, and each once."""
    boot = Boot(down=("redis", "mail"), timeline=("redis", "backend", "postgres"))
    assert boot.unreachable_at_start == ("mail", "postgres", "redis")


@pytest.mark.parametrize("timeline", [("postgres",), ("backend", "postgres", "backend")])
def test_a_timeline_starts_the_backend_once(timeline: tuple[str, ...]) -> None:
    """Whether it is written in code or in a file."""
    with pytest.raises(ValueError, match="'backend' in it once, got"):
        Boot(timeline=timeline)
    with pytest.raises(msgspec.ValidationError, match="'backend' in it once, got"):
        msgspec.convert({"timeline": timeline}, Boot)


def test_what_is_down_and_what_is_another_host_is_withheld() -> None:
    """The one cannot be reached, the other can."""
    boot = Boot(down=("redis",), other_host=("postgres",))
    assert boot.withheld == ("redis", "postgres")
    assert boot.unreachable_at_start == ("redis",)


def test_only_the_usual_boot_is_steady() -> None:
    """Naming an order departs, also where it is the one that would be taken anyway."""
    assert Boot().steady
    assert not Boot(order=("a",)).steady
    assert not Boot(timeline=("backend",)).steady
    assert not Boot(other_host=("redis",)).steady
    assert not Boot(silent_start=("redis",)).steady


def test_what_no_scenario_asks_for_is_known() -> None:
    """A thorough run makes these by itself; all others are made for what is played in them."""
    assert Boot(other_host=("redis",)).unasked
    assert Boot(silent_start=("redis",)).unasked
    assert not Boot(down=("redis",)).unasked


def test_idle_times_can_be_shorter_and_never_longer() -> None:
    """It is another case then, and says so."""
    assert not Boot(hasten=6).steady
    assert Boot(hasten=6).label == "idle times 6 times shorter"
    with pytest.raises(msgspec.ValidationError, match="a hasten of at least 1, got 0"):
        msgspec.convert({"hasten": 0}, Boot)
