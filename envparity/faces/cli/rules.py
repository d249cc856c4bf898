"""`envparity rules` and `envparity explain`: what the rules are, and what a finding's code means."""

from __future__ import annotations

import difflib
import sys

import click

from envparity.engine.session import engine
from envparity.engine.session.exits import BAD_INPUT, complaint
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say

__all__ = ["explain_command", "rules_command"]


@click.command("rules", short_help="List every rule.")
def rules_command() -> None:
    """List every rule: its code and its title. `envparity explain CODE` says more."""
    with one_message():
        known = engine.rules()
    for rule in known:
        say(f"{rule.code}  {rule.title}")


@click.command("explain", short_help="Say what a finding's CODE means.")
@click.argument("code")
def explain_command(code: str) -> None:
    """Say what a finding's CODE (such as EP101) means, and what to do about it."""
    with one_message():
        known = {rule.code: rule for rule in engine.rules()}
    rule = known.get(code.upper())
    if rule is None:
        near = difflib.get_close_matches(code.upper(), known, n=1)
        action = f"did you mean {near[0]}?" if near else "`envparity rules` lists them"
        mistake = Mistake("explain", 0, "CODE", "the code of a rule", repr(code), action)
        say(complaint(ConfigurationError([mistake])), err=True)
        sys.exit(BAD_INPUT)
    say(f"{rule.code} {rule.title}\n\n{rule.description.strip()}")
