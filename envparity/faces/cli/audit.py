"""`envparity audit`: what can be seen before anything boots."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envparity.engine.session.exits import code_of, complaint
from envparity.errors import ConfigurationError, EnvparityError, Mistake
from envparity.faces.cli.audit_progress import shown_progress
from envparity.faces.cli.ending import say
from envparity.report.layout import field, printable
from envparity.report.verdict import counted

if TYPE_CHECKING:
    from envparity.audit.finding import AuditReport
    from envparity.audit.interpreter import Start

__all__ = ["audit_command"]

_WIDTH = 120
_EXITS = """\b
Exit codes:
  0    clean
  1    findings
  2    an input is wrong; nothing was imported
  3    no verdict, for a reason that is the machine's
"""


@click.command("audit", short_help="Say what can be seen before it boots.", epilog=_EXITS)
@click.argument("subject", metavar="[PACKAGE_OR_PATH]", required=False)
@click.option(
    "--backend", metavar="FILE", type=click.Path(path_type=Path),
    help="The backend file whose [audit] says what to look for. Default: the one in the package's own folder; without "
    "PACKAGE_OR_PATH, ENVPARITY_BACKEND, netra_backend/backend.toml or backend.toml, and the package that it names.",
)  # fmt: skip
@click.option("--only", metavar="CODE[,CODE]", multiple=True, help="Only these rules; may be repeated.")
@click.option(
    "--sarif", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write SARIF 2.1.0."
)
@click.option("--python", metavar="FILE", help="The interpreter that imports. Default: the one that runs envparity.")
@click.option(
    "--in-image", is_flag=True, help="Import with the interpreter of the backend's own image, in a container."
)
@click.option(
    "--orders", "examples", metavar="N", type=click.IntRange(min=0), default=6, show_default=True,
    help="How many random orders of import are tried.",
)  # fmt: skip
def audit_command(  # noqa: PLR0917  click passes options by name
    subject: str | None,
    backend: Path | None,
    only: tuple[str, ...],
    sarif: Path | None,
    python: str | None,
    in_image: bool,  # noqa: FBT001
    examples: int,
) -> None:
    """Say what is wrong with a Python package before it boots: what its imports do, and what its source says.

    PACKAGE_OR_PATH is a folder, a file, or a name that can be imported. Nothing that an import does leaves the process:
    connections, programs and writing are refused.
    """
    try:
        report = _audit(subject, backend, only, python, examples, in_image=in_image)
        if sarif is not None:
            _write_sarif(report, sarif)
    except EnvparityError as error:
        say(complaint(error), err=True)
        sys.exit(code_of(error))
    for row in _lines(report):
        say(row)
    sys.exit(report.exit_code)


def _audit(
    subject: str | None,
    backend: Path | None,
    only: tuple[str, ...],
    python: str | None,
    examples: int,
    *,
    in_image: bool,
) -> AuditReport:
    from envparity.audit.audit import audit
    from envparity.audit.interpreter import local_interpreter
    from envparity.audit.target import find_target

    target = find_target(subject, backend, _usual_backend() if subject is None and backend is None else None)
    with ExitStack() as exits:
        start: Start = partial(local_interpreter, python or sys.executable)
        if in_image:
            if target.backend is None or python is not None:
                got = "--python too" if python is not None else "a package without one"
                raise ConfigurationError(
                    [Mistake("--in-image", 0, "backend", "a backend file, which has an image", got)]
                )
            from envparity.audit.image import image_starter

            start = exits.enter_context(image_starter(target.backend))
        progress = exits.enter_context(shown_progress(sys.stderr))
        return audit(target, start=start, elsewhere=in_image, only=only, examples=examples, progress=progress)


def _usual_backend() -> Path | None:
    import os

    from envparity.engine.session.inputs import BACKEND_FILES

    said = os.environ.get("ENVPARITY_BACKEND")
    return Path(said) if said else next((path for path in BACKEND_FILES if path.is_file()), None)


def _write_sarif(report: AuditReport, path: Path) -> None:
    from envparity.audit.sarif import sarif

    try:
        path.write_text(json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        mistake = Mistake("--sarif", 0, str(path), "a file that can be written", error.strerror or "an error")
        raise ConfigurationError([mistake]) from error


def _lines(report: AuditReport) -> Iterator[str]:
    """The report for people: every finding with its place first, so that an editor finds it."""
    for finding in report.findings:
        yield printable(f"{finding.path}:{finding.line}: {finding.code} {finding.title}")
        yield from (str(row) for row in field("got", finding.got, width=_WIDTH))
        for text in finding.evidence:
            yield from (str(row) for row in field("", text, width=_WIDTH))
        yield from (str(row) for row in field("what to do", finding.action, width=_WIDTH))
        yield ""
    for note in report.notes:
        yield printable(f"note: {note}")
    for exempted, reason in report.exempted:
        yield printable(f"exempted: {exempted.path}:{exempted.line}: {exempted.code} because {reason}")
    if report.apart:
        told = ", ".join(f"{what} ({count})" for what, count in sorted(report.apart.items()))
        yield printable(f"told apart, third parties': {told}")
    verdict = counted(len(report.findings), "finding") if report.findings else "clean"
    if report.starved and not report.findings:
        verdict = "no verdict"
    looked = f"{counted(report.modules, 'module')}, {counted(report.rules, 'rule')}"
    if report.interpreter:
        looked += f", {counted(report.orders, 'import order')}, Python {report.interpreter}"
    yield f"{report.package}: {verdict} ({looked}; {report.duration_s:.1f} s)"
