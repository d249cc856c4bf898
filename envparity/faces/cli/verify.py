"""`envparity verify`: whether a verdict is enough for a deployment. Imports no engine: a deploy step waits for it."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envparity.engine.session.exits import BAD_INPUT, CLEAN, FINDINGS
from envparity.errors import ConfigurationError, Mistake
from envparity.faces.cli.ending import one_message, say
from envparity.support.reading import opened

if TYPE_CHECKING:
    from envparity.report.attestation.predicate import Claimed
    from envparity.report.attestation.refusal import Refusal
    from envparity.report.attestation.requirements import Wanted

__all__ = ["verify_command"]

_LONGEST = 16 << 20
_EXITS = f"""\b
Exit codes:
  {CLEAN}    accepted
  {FINDINGS}    refused, with every reason
  {BAD_INPUT}    the question is wrong: no such file, no key, a requirement that is none
"""


@click.command("verify", short_help="Say whether a verdict is enough to deploy.", epilog=_EXITS)
@click.argument("verdict", metavar="VERDICT", type=click.Path(path_type=Path))
@click.option(
    "--key", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="The public key of who judges. Default: the text of ENVPARITY_VERIFY_KEY.",
)  # fmt: skip
@click.option("--image", metavar="DIGEST", help="What is to be deployed, as sha256:… or NAME@sha256:….")
@click.option("--commit", metavar="SHA", help="The commit that is to be deployed, whole or its beginning.")
@click.option("--files", is_flag=True, help="The backend's file and the environments' must be those that lie here.")
@click.option(
    "--max-age", metavar="AGE", default="24h", show_default=True,
    help="How long ago its run may have begun: 90m, 24h, 7d.",
)  # fmt: skip
@click.option(
    "--require", "required", metavar="KEY=VALUE[,…]", multiple=True,
    help="What must have been judged at least: launcher=container, orders=3, environments=staging+production, "
    "repeat=2, scenarios=20, cases=9; and at most: exemptions=5, by_chance=0, unsteady=0. May be repeated.",
)  # fmt: skip
def verify_command(  # noqa: PLR0917  click passes options by name
    verdict: Path,
    key: Path | None,
    image: str | None,
    commit: str | None,
    files: bool,  # noqa: FBT001  click passes options by name
    max_age: str,
    required: tuple[str, ...],
) -> None:
    """Say whether VERDICT, which `envparity run --verdict` has written, is enough to deploy.

    It must be signed with the key, clean, whole, and about what is to be deployed: the image, the commit, or both.
    """
    with one_message():
        from envparity.report.attestation.envelope import opened
        from envparity.report.attestation.keys import public_key
        from envparity.report.attestation.refusal import VerdictRefused
        from envparity.report.attestation.requirements import refusals, stated

        wanted = _wanted(image, commit, max_age, required, files=files)
        signed_by = public_key(key)
        text = _read(verdict)
        now = dt.datetime.now(dt.UTC)
        claimed = None
        try:
            claimed = stated(opened(text, signed_by))
            found = list(refusals(claimed, wanted, now, Path()))
        except VerdictRefused as refused:
            found = list(refused.refusals)
    if found or claimed is None:
        _refuse(verdict, found)
        sys.exit(FINDINGS)
    say(_accepted(claimed, wanted, now))


def _wanted(image: str | None, commit: str | None, max_age: str, required: tuple[str, ...], *, files: bool) -> Wanted:
    from envparity.report.attestation.requirements import (
        Wanted,
        parse_age,
        parse_commit,
        parse_image,
        parse_requirements,
    )

    needed, mistakes = parse_requirements(required)
    age = parse_age(max_age)
    digest = parse_image(image) if image is not None else ""
    revision = parse_commit(commit) if commit is not None else ""
    mistakes += [value for value in (age, digest, revision) if isinstance(value, Mistake)]
    if image is None and commit is None:
        action = "say what is to be deployed"
        mistakes.append(Mistake("verify", 0, "--image", "a digest, or --commit with a commit", "neither", action))
    if mistakes or isinstance(age, Mistake) or isinstance(digest, Mistake) or isinstance(revision, Mistake):
        raise ConfigurationError(mistakes)
    return Wanted(age, digest, revision, needed, files)


def _read(verdict: Path) -> bytes:
    try:
        with opened(verdict) as file:
            return file.whole(_LONGEST)
    except OSError as error:
        got = error.strerror or "an error"
        raise ConfigurationError([Mistake("verify", 0, str(verdict), "a file that can be read", got)]) from error


def _refuse(verdict: Path, found: list[Refusal]) -> None:
    number = "1 reason" if len(found) == 1 else f"{len(found)} reasons"
    say("\n".join((f"refused: {verdict}: {number}", *(f"  {refusal}" for refusal in found))))


def _accepted(claimed: Claimed, wanted: Wanted, now: dt.datetime) -> str:
    from envparity.report.attestation.requirements import age_of

    about = [f"image sha256:{wanted.image}"] if wanted.image else []
    about += [f"commit {claimed.revision.commit}"] if wanted.commit and claimed.revision is not None else []
    orders = f", orders of strength {claimed.orders.strength}" if claimed.orders.strength else ""
    minutes = age_of(claimed, now) / 60
    return (
        f"accepted: {', '.join(about)}\n  run {claimed.run} of {claimed.began}, {minutes:.0f} min ago, "
        f"by envparity {claimed.envparity}\n  {claimed.launcher} launcher, {', '.join(claimed.environments)}{orders}, "
        f"{len(claimed.exemptions)} exemptions"
    )
