"""The verdict in words."""

from __future__ import annotations

import msgspec

from envparity.judge.finding import Verdict
from envparity.model.reach import LeftOut
from envparity.report.verdict import findings_text, launchers, verdict_text

RED_AT_80_COLUMNS = """\
RED: 2 findings
  launcher     container
  not checked  nothing: this launcher can check all of it
  environments local, staging, production
  checked      3 environments, 9 cases, 41 scenarios, 22 rules
  run          3f2a9c01, 48.2 s
  exemptions   3 used
               - report.settings.LOG_FORMAT.value (production, staging): The
                 platform collects logs as JSON, and a developer reads them in
                 the console.
               - report.settings.WEBSOCKET_*.value (production): Measured.

EP101 startup validation failed
  where        websocket_manager_factory
  seen in      staging, production (not in local)
  expected     0 critical failures
  got          1 critical failure: websocket.import_time_manager
  cause        STARTUP_VALIDATION=strict alone
  evidence     | websocket.import_time_manager: WebSocket manager creation
               | requires valid UserExecutionContext. Import-time initialization
               | is prohibited.
               | client was told: error websocket.import_time_manager, then
               | close 1013 startup_failed:websocket_manager_factory
  what to do   Make the manager per connection; ask the factory, do not call it.
  replay       envparity run --environment local,staging,production --only 'conversation[subprotocol]' --only 'refus*'
  or           envparity replay EP101-bb13

EP403 close differs
  where        refusal-expired
  seen in      staging (not in local, production); cases staging-1a2b3c
  expected     1008 token_expired
  got          1011
  replay       envparity run --environment local,staging --only refusal-expired
  or           envparity replay EP403-2b58
"""

CLEAN_AT_80_COLUMNS = """\
CLEAN
  launcher     container
  not checked  memory limits; the TLS ingress
  environments local, staging, production
  checked      3 environments, 9 cases, 41 scenarios, 22 rules
  run          3f2a9c01, 48.2 s
  exemptions   none used
"""


def test_red_verdict_has_everything_at_80_columns(red: Verdict) -> None:
    """Launcher, extent, exemptions with reasons, and each finding whole; nothing is cut, a command is one line."""
    assert verdict_text(red, 80) == RED_AT_80_COLUMNS


def test_clean_says_what_was_not_checked(clean: Verdict) -> None:
    """CLEAN comes with the guarantees that this launcher cannot give."""
    assert verdict_text(clean, 80) == CLEAN_AT_80_COLUMNS


def test_every_word_survives_any_width(red: Verdict) -> None:
    """However narrow the terminal, the same words in the same order."""
    assert (
        verdict_text(red, 40).replace("| ", "").replace("- ", "").split()
        == verdict_text(red, 200).replace("| ", "").replace("- ", "").split()
    )


def test_lines_fit_80_columns_but_for_what_must_be_copied_whole(red: Verdict) -> None:
    """Only a replay command may stick out."""
    assert [line for line in verdict_text(red, 80).splitlines() if len(line) > 80 and "replay" not in line] == []


def test_control_codes_of_a_log_do_not_reach_the_terminal(red: Verdict) -> None:
    """A backend that logs escape sequences cannot colour, move or clear the reader's terminal."""
    assert "\x1b" not in verdict_text(red)


def test_findings_text_is_the_verdicts_own(red: Verdict) -> None:
    """A failing test shows a finding in the very lines of the verdict."""
    assert findings_text(red.findings, red.environments) + "\n" in verdict_text(red)


def test_the_orders_that_were_booted_stand_in_the_verdict(clean: Verdict) -> None:
    """An environment a line; nothing is said where no orders were asked for."""
    with_orders = msgspec.structs.replace(clean, coverage=("local: 9 orders", "staging: 8 orders"))
    assert "  orders       local: 9 orders\n               staging: 8 orders\n" in verdict_text(with_orders, 80)
    assert "orders" not in verdict_text(clean, 80)


def test_a_launcher_that_stands_for_a_better_one_says_why(clean: Verdict) -> None:
    """Beside its name."""
    stands_in = msgspec.structs.replace(clean, launcher="process", reason="no container engine answers at /sock")
    assert "\n  launcher     process: no container engine answers at /sock\n" in verdict_text(stands_in)


def test_what_is_attached_is_named_with_what_was_not_played(red: Verdict) -> None:
    """Beside the launcher of the others; what is left out stands together by what it needs."""
    left_out = (
        LeftOut("staging", "rolling_restart", "a replica to be stopped"),
        LeftOut("staging", "too_fast", "a flood of messages"),
        LeftOut("staging", "stopped", "a replica to be stopped"),
    )
    attached = {"staging": "wss://api.staging.example/ws"}
    text = " ".join(verdict_text(msgspec.structs.replace(red, attached=attached, left_out=left_out), 300).split())
    assert "launcher container; staging attached to wss://api.staging.example/ws" in text
    needs = "because attached: needs a replica to be stopped: rolling_restart, stopped"
    assert f"not played 2 scenarios in staging, {needs}" in text
    assert "1 scenario in staging, because attached: needs a flood of messages: too_fast" in text


def test_where_all_is_attached_no_other_launcher_is_named() -> None:
    """Nothing was booted."""
    assert launchers("attached", {"staging": "wss://a.example"}) == "staging attached to wss://a.example"
    assert launchers("process", {}, "no engine") == "process: no engine"
