"""EP107, what a report can contradict itself in: one broken report for each sentence, and the whole one."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.judge.report_consistency import inconsistencies
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import FAILURE, document, failed, observation, only, replica, report


def steps(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The usual steps, some of them changed by name."""
    return [step | changes.get(step["name"], {}) for step in document()["steps"]]


CHECK = {"component": "redis", "status": "fail"}


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (failed(failures=[]), "status is fail, and failures names none"),
        (document(failures=[FAILURE]), "status is pass, and failures names auth"),
        (document(steps=steps(auth={"outcome": "failed"})), "status is pass, and step auth is failed"),
        (document(steps=steps(auth={"outcome": "skipped"})), "status is pass, and step auth is skipped"),
        (document(checks={"redis:tls": [CHECK]}), "status is pass, and critical check redis:tls failed"),
        (
            document(order=["settings", "auth", "redis"], steps=steps(auth={"started": None})),
            "step auth ran before redis, which it requires",
        ),
        (document(order=["settings", "redis", "redis", "auth"]), "order has redis more than once"),
        (document(order=["settings", "redis", "auth", "mail"]), "order has mail, which is none of the steps"),
        (document(order=["settings", "redis"]), "step auth ran, and order does not have it"),
        (
            document(steps=steps(redis={"started": "2025-09-08T01:17:52Z"})),
            "order has redis before auth, and auth started first",
        ),
        (document(steps=steps(auth={"requires": ["mail"]})), "step auth requires mail, which is none of the steps"),
        (
            failed(steps=steps(redis={"outcome": "failed"})),
            "step auth ran although redis, which it requires, failed",
        ),
        (
            failed(steps=steps(redis={"outcome": "skipped"}, auth={"outcome": "failed"})),
            "step auth ran although redis, which it requires, was skipped",
        ),
        (
            failed(steps=steps(redis={"outcome": "pending"})),
            "step auth ran although redis, which it requires, is pending",
        ),
    ],
)
def test_a_contradiction_is_said_in_one_sentence(served: dict[str, Any], said: str) -> None:
    """Exactly that one, and it is an EP107."""
    assert [inconsistency.said for inconsistency in inconsistencies(report(served))] == [said]


def test_a_contradiction_is_a_finding() -> None:
    """With the sentence as what was got."""
    found = only(observation("local", replica(document(order=["settings", "redis"]))))
    assert (found.code, found.where) == ("EP107", "startup report")
    assert found.got == "step auth ran, and order does not have it"


def test_contradictions_of_one_report_are_one_finding() -> None:
    """The first sentence stands for all; the others are its evidence."""
    served = document(order=["settings", "redis"], checks={"redis:tls": [CHECK]})
    found = only(observation("local", replica(served)))
    assert found.got == "status is pass, and critical check redis:tls failed, and 1 more"
    assert evidence_lines(found) == ("step auth ran, and order does not have it",)


@pytest.mark.parametrize(
    "served",
    [
        document(),
        failed(),
        failed(steps=steps(redis={"outcome": "failed"}, auth={"outcome": "skipped"})),
        document(order=[]),
        document(steps=[]),
        document(
            order=["settings", "redis"], steps=steps(auth={"outcome": "skipped"}), status="fail", failures=[FAILURE]
        ),
        document(checks={"redis:tls": [CHECK | {"critical": False}]}),
        document(checks={"redis:tls": [CHECK | {"status": "warn"}]}),
        document(steps=steps(redis={"started": "yesterday"})),
        document(steps=steps(redis={"started": "2025-09-08T01:17:51.050"})),
        document(status="starting", order=["mail"]),
        {},
        "nothing",
    ],
)
def test_what_agrees_with_itself_or_is_not_there_is_no_contradiction(served: Any) -> None:
    """A report need have neither order nor steps, and one under way is not held to anything."""
    assert list(inconsistencies(report(served))) == []


def test_a_requirement_is_looked_up_in_the_steps_where_there_is_no_order() -> None:
    """Then the sequence of the steps is the order."""
    served = document(order=[], steps=[document()["steps"][index] for index in (0, 2, 1)])
    assert [inconsistency.said for inconsistency in inconsistencies(report(served))] == [
        "step auth ran before redis, which it requires"
    ]
