"""The files for Google Cloud: of the form that its API takes, and matching what the backend really logs."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.docs.pages import blocks
from tests.monitoring.log_filter import FilterRefused, LogEntry, entry_of, extracted, matcher
from tests.monitoring.tools import MONITORING
from tests.netra_backend.running import AUDIENCE, ISSUER, SECRET, BackendProcess

FOLDER = MONITORING / "gcloud"
NAMES = ["startup-validation-failures", "internal-errors"]
SCHEMAS = Path(__file__).parent / "schemas"
PHRASE = "CRITICAL STARTUP VALIDATION FAILURES"
LOGGED_DEADLINE_S = 100.0

PLANTED = """
import sys
from netra_backend.__main__ import main
from netra_backend.app.backend import Backend
from netra_backend.app.websocket_core.conversation import Conversation

hold = Conversation.hold

async def planted(self):
    bug = self._websocket.headers["x-bug"]
    if bug == "outside":
        raise RuntimeError("a bug where nobody catches it")
    Backend.refusal = property(lambda _: 1 / 0) if bug == "inside" else None
    await hold(self)

Conversation.hold = planted
sys.exit(main())
"""
"""The backend with a bug inside a conversation, one around it, or none, as the client asks; it starts meanwhile."""


def read(name: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.{kind}.json").read_text(encoding="utf-8"))
    return found


def schema(name: str) -> Draft202012Validator:
    held = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(held)
    return Draft202012Validator(held, format_checker=Draft202012Validator.FORMAT_CHECKER)


def client(port: int, bug: str) -> int | None:
    """Connect as a client who meets this bug, and give the backend's close code; who meets none closes with 1011."""
    with connect(f"ws://127.0.0.1:{port}/ws", additional_headers={"x-bug": bug}, proxy=None) as socket:
        if bug == "none":
            socket.close(1011)
            return None
        with pytest.raises(ConnectionClosedError) as closed:
            list(socket)
        return closed.value.rcvd.code if closed.value.rcvd else None


@pytest.fixture(scope="module", params=["json", "console"])
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[LogEntry]:
    """What Cloud Logging has of a backend that did not start, of its two bugs and a client's 1011; in each format."""
    settings = {
        "ENVIRONMENT": "staging",
        "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/nowhere",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "JWT_SECRET": SECRET,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": "https://app.example",
        "STARTUP_STEP_TIMEOUT_S": "0.2",
        "LOG_FORMAT": request.param,
    }
    log = tmp_path_factory.mktemp("gcloud") / request.param
    backend = BackendProcess(settings, log, [sys.executable, "-c", PLANTED])
    backend.launch()
    try:
        port = int(until(log, r"listening\b.*\bport=(\d+)|\"port\": (\d+), \"event\": \"listening\""))
        until(log, f"({PHRASE} DETECTED).*redis|redis.*({PHRASE} DETECTED)")
        assert [client(port, bug) for bug in ("inside", "outside", "none")] == [1011, None, None]
        until(log, r"(closed by the client)")
        until(log, r"(Exception in ASGI application)")
    finally:
        backend.stop()
    return [entry_of(line) for line in log.read_text(encoding="utf-8").splitlines()]


def until(log: Path, pattern: str) -> str:
    """Wait until a line of the log matches; its group."""
    deadline = time.monotonic() + LOGGED_DEADLINE_S
    while (found := re.search(pattern, log.read_text(encoding="utf-8"))) is None:
        assert time.monotonic() < deadline, f"no {pattern} in {log.read_text(encoding='utf-8')[-2000:]}"
        time.sleep(0.02)
    return next(group for group in found.groups() if group is not None)


def text_of(entry: LogEntry) -> str:
    return json.dumps(entry.get("jsonPayload", entry.get("textPayload")))


def test_the_filter_of_startup_failures_finds_each_of_them(logged: list[LogEntry]) -> None:
    """Each line with the phrase, in both formats of the log, and no other line."""
    matches = matcher(read("startup-validation-failures", "metric")["filter"])
    found = [text_of(entry) for entry in logged if matches(entry)]
    assert found == [text for text in map(text_of, logged) if PHRASE in text]
    assert len(found) == 2
    assert "postgres" in found[0]
    assert "redis" in found[1]


def test_the_filter_of_startup_failures_finds_the_lines_of_the_incident() -> None:
    """As they stood in the logs of 2025-09-08, under `message`; not the line beside them."""
    matches = matcher(read("startup-validation-failures", "metric")["filter"])
    lines = ["❌ CRITICAL STARTUP VALIDATION FAILURES DETECTED:", "❌ 1 CRITICAL FAILURES DETECTED"]
    assert [matches(entry_of(json.dumps({"message": line, "severity": "ERROR"}))) for line in lines] == [True, False]


def test_the_filter_of_internal_errors_finds_both_kinds_of_bug(logged: list[LogEntry]) -> None:
    """The conversation closed with 1011, and the one that nobody closed; not the client's own 1011, nor any other."""
    matches = matcher(read("internal-errors", "metric")["filter"])
    found = [text_of(entry) for entry in logged if matches(entry)]
    assert len(found) == 2
    assert "close_code" in found[0]
    assert "Exception in ASGI application" in found[1]
    assert any("closed by the client" in text and "1011" in text for text in map(text_of, logged))


def test_a_filter_asks_for_the_platform_too(logged: list[LogEntry]) -> None:
    """The same lines from elsewhere are not counted."""
    elsewhere = [{**entry, "resource": {"type": "gce_instance"}} for entry in logged]
    for name in NAMES:
        assert not any(map(matcher(read(name, "metric")["filter"]), elsewhere))


def test_labels_are_taken_from_fields_that_the_lines_have(logged: list[LogEntry]) -> None:
    """Every extractor finds something in what its metric counts, in structured logs; plain lines have no fields."""
    for name in NAMES:
        metric = read(name, "metric")
        matches = matcher(metric["filter"])
        assert {label["key"] for label in metric["metricDescriptor"]["labels"]} == set(metric["labelExtractors"])
        for entry in (logged_entry for logged_entry in logged if matches(logged_entry)):
            found = {label: extracted(how, entry) for label, how in metric["labelExtractors"].items()}
            assert all(found.values()) == ("jsonPayload" in entry), found


@pytest.mark.parametrize("name", NAMES)
def test_the_files_have_the_form_that_the_api_takes(name: str) -> None:
    """By the REST reference of LogMetric and AlertPolicy; a field misspelt or misplaced is refused."""
    for kind, form in (("metric", "log_metric"), ("policy", "alert_policy")):
        held, validator = read(name, kind), schema(form)
        assert [error.message for error in validator.iter_errors(held)] == []
        assert not validator.is_valid({**held, "displayname": "x"})


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_about_its_metric(name: str) -> None:
    """It asks for the metric that the file beside it makes, groups by labels that it has, and speaks of no other."""
    metric, policy = read(name, "metric"), read(name, "policy")
    labels = {label["key"] for label in metric["metricDescriptor"]["labels"]}
    (condition,) = policy["conditions"]
    threshold = condition["conditionThreshold"]
    assert f'metric.type="logging.googleapis.com/user/{metric["name"]}"' in threshold["filter"]
    assert re.findall(r'resource.type="\w+"', threshold["filter"]) == re.findall(
        r'resource.type="\w+"', metric["filter"]
    )
    grouped = {field.removeprefix("metric.label.") for field in threshold["aggregations"][0]["groupByFields"]}
    assert grouped <= labels
    said = policy["documentation"]["subject"] + policy["documentation"]["content"]
    assert set(re.findall(r"\$\{metric\.label\.(\w+)\}", said)) <= grouped
    assert int(threshold["duration"].removesuffix("s")) % 60 == 0, "Google takes whole minutes"
    assert int(policy["alertStrategy"]["autoClose"].removesuffix("s")) >= 1800, "Google takes half an hour at least"


def test_terraform_makes_the_same() -> None:
    """Every argument of main.tf.json is the field of the files, in Terraform's spelling, and nothing is left out."""
    held = json.loads((FOLDER / "main.tf.json").read_text(encoding="utf-8"))
    metrics, policies = held["resource"]["google_logging_metric"], held["resource"]["google_monitoring_alert_policy"]
    assert set(metrics) == set(policies) == {name.replace("-", "_") for name in NAMES}
    for name in NAMES:
        local = name.replace("-", "_")
        metric, policy = metrics[local], policies[local]
        assert metric.pop("project") == policy.pop("project") == "${var.project}"
        assert policy.pop("notification_channels") == "${var.notification_channels}"
        assert policy.pop("depends_on") == [f"google_logging_metric.{local}"]
        assert camel(metric) == read(name, "metric")
        assert camel(policy) == read(name, "policy")
    assert set(held["variable"]) == {"project", "notification_channels"}


MAPS = {"label_extractors", "user_labels"}
"""Arguments whose keys are names, not fields."""


def camel(held: Any, *, names: bool = False) -> Any:
    """Terraform's spelling as that of the API; `$${` is how Terraform is told not to read a `${`."""
    if isinstance(held, dict):
        return {
            key if names else re.sub(r"_(\w)", lambda found: found[1].upper(), key): camel(value, names=key in MAPS)
            for key, value in held.items()
        }
    if isinstance(held, list):
        return [camel(value) for value in held]
    if isinstance(held, str):
        assert not re.search(r"(?<!\$)\$\{|%\{", held), f"Terraform would read {held!r}"
        return held.replace("$${", "${")
    return held


def commands() -> Iterator[list[str]]:
    for block in blocks("docs/monitoring.md", "sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["gcloud"]:
                yield words


def test_the_documented_commands_name_files_and_metrics_that_exist() -> None:
    """Every file is used once, with the flag that is for it, and a metric is called what its file says."""
    used = []
    for words in commands():
        flag, _, path = next(word for word in words if "-from-file=" in word).partition("=")
        file = MONITORING.parent / path
        assert file.is_file(), path
        used.append(file.name)
        if words[1:4] == ["logging", "metrics", "create"]:
            assert (words[4], flag) == (json.loads(file.read_text())["name"], "--config-from-file")
        else:
            assert (words[1:4], flag) == (["monitoring", "policies", "create"], "--policy-from-file")
    assert sorted(used) == sorted(f"{name}.{kind}.json" for name in NAMES for kind in ("metric", "policy"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('jsonPayload.event="Some TEXT"', True),
        ('jsonPayload.event="some"', False),
        ('jsonPayload.event:"SOME"', True),
        ("jsonPayload.code=1011", True),
        ("jsonPayload.code=101", False),
        ('textPayload:"some"', False),
        ('NOT textPayload:"some" AND jsonPayload.code=1011', True),
        ('(textPayload:"some" OR jsonPayload.code=1011) AND resource.type="cloud_run_revision"', True),
    ],
)
def test_the_matcher_understands_what_the_filters_use(text: str, expected: bool) -> None:
    """Whole and part, number and text, missing fields, and the words between them."""
    assert matcher(text)(entry_of('{"event": "some text", "code": 1011}')) is expected


@pytest.mark.parametrize("text", ["a:b", 'a:"b', '(a="b"', 'a="b" AND b="c" OR c="d"', 'a="b" c="d"', "", "AND", ")"])
def test_the_matcher_refuses_what_it_does_not_understand(text: str) -> None:
    """A filter that it cannot read is not taken for one that does not match."""
    with pytest.raises(FilterRefused):
        matcher(text)
