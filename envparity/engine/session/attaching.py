"""Which environments are looked at where they run: what was asked for, held against what was agreed to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from envparity.errors import Mistake
from envparity.model.deployed.credentials import shown_credential
from envparity.model.deployed.target import Target, is_loopback, parse_target, url_problems
from envparity.model.deployment import Deployed
from envparity.model.environment import Environment
from envparity.support.toml.document import did_you_mean

__all__ = ["Attaching", "Confirm", "attach"]

_OPTION: Final = "--attach"
Confirm = Callable[[str, str], bool]
"""Asks whether that environment may be looked at behind that URL, which its file does not name."""


@dataclass(frozen=True)
class Attaching:
    """What was asked for: `NAME` or `NAME=URL`, and the hosts that were confirmed by name."""

    values: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    confirm: Confirm | None = None


def attach(
    asked: Attaching, environments: Mapping[str, Environment] | None
) -> tuple[dict[str, Deployed], list[Mistake]]:
    """The environments that are attached, by name; and all that is wrong with what was asked.

    A target must be the one that the environment's file names, or be confirmed. Without `environments`, which could
    not be read, only the URLs are looked at.
    """
    attached: dict[str, Deployed] = {}
    mistakes: list[Mistake] = []
    for value in asked.values:
        name, given, url = (part.strip() for part in value.partition("="))
        wrong = list(_url_mistakes(name, url)) if given else []
        if name in attached:
            wrong.append(Mistake(_OPTION, 0, name, "each environment once", "it a second time", "remove one"))
        if environments is not None and not wrong:
            deployed, wrong = _agreed(asked, name, url, environments)
            if deployed is not None:
                attached[name] = deployed
        mistakes += wrong
    return attached, mistakes


def _url_mistakes(name: str, url: str) -> Iterator[Mistake]:
    """What is wrong with a URL in itself. It is not quoted: what should not be in it may be a secret."""
    problems = list(url_problems(url, ("wss", "ws")))
    for expected, got in problems:
        yield Mistake(_OPTION, 0, name or "NAME", expected, got)
    if not problems:
        target = parse_target(url)
        if not target.tls and not is_loopback(target.host):
            yield Mistake(_OPTION, 0, name, "wss://, for others can read along", f"ws:// to {target.host}", "use TLS")


def _agreed(
    asked: Attaching, name: str, url: str, environments: Mapping[str, Environment]
) -> tuple[Deployed | None, list[Mistake]]:
    if name not in environments:
        known = ", ".join(environments)
        action = did_you_mean(name, environments)
        return None, [Mistake(_OPTION, 0, name or "NAME", f"one of {known}", "no such environment", action)]
    own = environments[name].deployed
    if not url:
        if own is None:
            action = f"add it, or give the URL: {_OPTION} {name}=wss://HOST/PATH"
            return None, [Mistake(_OPTION, 0, name, "[deployed] in its file, with the url", "none", action)]
        return own, [*_url_mistakes(name, own.url), *_credential_mistakes(name, own)]
    target = parse_target(url)
    if own is not None and parse_target(own.url) == target:
        return own, list(_credential_mistakes(name, own))
    # The health paths of another target are its own.
    deployed = msgspec.structs.replace(own, url=url, health=None) if own is not None else Deployed(url)
    if not _is_confirmed(asked, name, target):
        expected = f"the url of [deployed] in {name}'s file" if own is not None else f"[deployed] in {name}'s file"
        action = f"name it there, or say that you mean it: --confirm-target {target.host}"
        return None, [Mistake(_OPTION, 0, name, expected, f"{target}, which it does not name", action)]
    return deployed, list(_credential_mistakes(name, deployed))


def _is_confirmed(asked: Attaching, name: str, target: Target) -> bool:
    said = {text.strip().lower() for text in asked.confirmed}
    if said & {target.host, target.authority}:
        return True
    return asked.confirm is not None and asked.confirm(name, str(target))


def _credential_mistakes(name: str, deployed: Deployed) -> Iterator[Mistake]:
    """A variable that is not there is known at once; what a command gives, only when it is run."""
    client_secret = deployed.oauth2.client_secret if deployed.oauth2 is not None else None
    for credential in (deployed.secret, deployed.token, client_secret):
        variable = credential.variable if credential is not None else None
        if credential is not None and variable is not None and not os.environ.get(variable, "").strip():
            yield Mistake(_OPTION, 0, name, shown_credential(credential), "nothing: it is not set", "set it")
