"""The verdict in words: the same text wherever it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from envparity.judge.entries import defects, entries, undeclared
from envparity.judge.finding import Finding, UsedDeclaration, Verdict
from envparity.report.columns import DEFAULT_WIDTH
from envparity.report.layout import Line, Span, field, line, printable
from envparity.report.wording import cause_text, evidence_lines
from envparity.support.counting import counted

__all__ = [
    "counted",
    "finding_lines",
    "findings_text",
    "found_text",
    "headline",
    "launchers",
    "not_played",
    "other_text",
    "verdict_lines",
    "verdict_text",
]

ATTACHED = "attached"  # the launcher that boots nothing


def headline(verdict: Verdict) -> str:
    """The first line: `CLEAN`, `RED: n findings and m undeclared differences`, or that the run was broken off."""
    if verdict.broken_off:
        so_far = found_text(verdict.findings) if verdict.findings else "no finding"
        return f"BROKEN OFF: {so_far} in {verdict.cases} of {counted(verdict.planned, 'case')}"
    return "CLEAN" if verdict.clean else f"RED: {found_text(verdict.findings)}"


def found_text(findings: Sequence[Finding]) -> str:
    """How many defects there are, and how many differences that nobody declared: `2 findings`."""
    broken, apart = len(defects(findings)), len(undeclared(findings))
    parts = [counted(broken, "finding")] if broken or not apart else []
    return " and ".join([*parts, counted(apart, "undeclared difference")] if apart else parts)


def verdict_lines(verdict: Verdict, width: int = DEFAULT_WIDTH) -> Iterator[Line]:
    """All of the verdict: the headline, what was checked by which launcher, the exemptions used, every finding."""
    yield line(Span(headline(verdict), "clean" if verdict.clean else "red"))
    if verdict.broken_off:
        yield from field("by", verdict.broken_off, width=width)
    yield from field("launcher", launchers(verdict.launcher, verdict.attached, verdict.reason), width=width)
    yield from field(
        "not checked", "; ".join(verdict.cannot_check) or "nothing: this launcher can check all of it", width=width
    )
    yield from _fields("not played", not_played(verdict), width)
    yield from field("environments", ", ".join(verdict.environments), width=width)
    yield from field("checked", _extent(verdict), width=width)
    yield from _fields("orders", verdict.coverage, width)
    yield from _connection_lines(verdict.connections, width)
    if verdict.exploration:
        yield from field("explored", verdict.exploration, width=width)
    yield from _fields("never matched", verdict.notes, width)
    yield from _fields("varies", verdict.varying, width)
    yield from field("run", f"{verdict.run_id}, {verdict.duration_s:.1f} s", width=width)
    if verdict.stalls:
        yield from field("machine", verdict.stalls, width=width)
    yield from _fields("unsteady", verdict.unsteady, width)
    yield from _exemption_lines(verdict.exemptions, width)
    for entry in defects(verdict.findings):
        yield line()
        yield from finding_lines(entry.finding, verdict.environments, width, entry.others)
    if verdict.by_chance:
        yield line()
        yield line(Span("By chance: seen, in no environment more often than in another", "label"))
        for finding in verdict.by_chance:
            yield from finding_lines(finding, verdict.environments, width)
    apart = undeclared(verdict.findings)
    if apart:
        yield line()
        yield line(Span("Differences that nobody declared", "label"))
    for finding in apart:
        yield line()
        yield from finding_lines(finding, verdict.environments, width)


def _fields(label: str, texts: Iterable[str], width: int) -> Iterator[Line]:
    """Each on lines of its own, the first with the label."""
    for text in texts:
        yield from field(label, text, width=width)
        label = ""


def _connection_lines(connections: Mapping[str, Mapping[str, int]], width: int) -> Iterator[Line]:
    label = "connections"
    for name, counts in connections.items():
        most = ", ".join(f"{count} to {dependency}" for dependency, count in counts.items())
        yield from field(label, f"{name}: at most {most}", width=width)
        label = ""


def launchers(launcher: str, attached: Mapping[str, str], reason: str = "") -> str:
    """What booted the environments (and why that), and which were not booted but attached to."""
    booted = [f"{launcher}: {printable(reason)}" if reason else launcher] if launcher != ATTACHED else []
    return "; ".join([*booted, *(f"{name} attached to {url}" for name, url in attached.items())])


def not_played(verdict: Verdict) -> Iterator[str]:
    """What was left out because an environment is attached, a line for each thing that it would have needed."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for out in verdict.left_out:
        grouped.setdefault((out.environment, out.needs), []).append(out.scenario)
    for (environment, needs), names in grouped.items():
        many = counted(len(names), "scenario")
        yield f"{many} in {environment}, because attached: needs {needs}: {', '.join(names)}"


def verdict_text(verdict: Verdict, width: int = DEFAULT_WIDTH) -> str:
    """`verdict_lines` without styles, ending in a newline."""
    return "".join(f"{each_line}\n" for each_line in verdict_lines(verdict, width))


def finding_lines(
    finding: Finding, environments: Sequence[str], width: int = DEFAULT_WIDTH, others: Sequence[Finding] = ()
) -> Iterator[Line]:
    """One finding. `environments` are all that were compared, so that those which do not show it are named too.

    `others` have the same cause, and are named in a line each.
    """
    yield line(Span(finding.code, "code"), f" {printable(finding.title)}")
    yield from field("where", finding.where, width=width)
    yield from field("seen in", _seen_in(finding, environments), width=width)
    yield from field("expected", finding.expected, width=width)
    yield from field("got", finding.got, width=width)
    if cause := cause_text(finding.cause):
        yield from field("cause", cause, width=width)
    label = "evidence"
    for quoted in evidence_lines(finding):
        yield from field(label, quoted, width=width, style="quote", mark="| ")
        label = ""
    label = "same cause"
    for other in others:
        yield from field(label, other_text(other), width=width)
        label = ""
    if finding.action:
        yield from field("what to do", finding.action, width=width)
    if finding.replay:
        yield from field("replay", finding.replay, width=width, style="command")
    again = f"envparity replay {finding.id}"
    yield from field("or" if finding.replay else "replay", again, width=width, style="command")


def findings_text(findings: Sequence[Finding], environments: Sequence[str], width: int = DEFAULT_WIDTH) -> str:
    """Several findings as the terminal shows them, a blank line between two."""
    return "\n\n".join(
        "\n".join(map(str, finding_lines(entry.finding, environments, width, entry.others)))
        for entry in entries(findings)
    )


def other_text(other: Finding) -> str:
    """A finding in a line, under one that has the same cause."""
    return f"{other.id} {other.title}, {other.where} in {', '.join(other.environments)}: got {other.got}"


def _extent(verdict: Verdict) -> str:
    extent = (
        (len(verdict.environments), "environment"),
        (verdict.cases, "case"),
        (verdict.scenarios, "scenario"),
        (verdict.rules, "rule"),
    )
    return ", ".join(counted(number, noun) for number, noun in extent)


def _seen_in(finding: Finding, environments: Sequence[str]) -> str:
    seen = ", ".join(finding.environments)
    others = [name for name in environments if name not in finding.environments]
    text = f"{seen} (not in {', '.join(others)})" if others else seen
    special = [case for case in finding.cases if case not in finding.environments]
    return f"{text}; cases {', '.join(finding.cases)}" if special else text


def _exemption_lines(exemptions: Sequence[UsedDeclaration], width: int) -> Iterator[Line]:
    """One line for a path that several environments declare for the same reason."""
    yield from field("exemptions", f"{len(exemptions)} used" if exemptions else "none used", width=width)
    declaring: dict[tuple[str, str], list[str]] = {}
    for exemption in exemptions:
        declaring.setdefault((exemption.path, exemption.reason), []).append(exemption.environment)
    for (path, reason), environments in declaring.items():
        text = f"{path} ({', '.join(environments)}): {reason}"
        yield from field("", text, width=width, mark="- ", bullet=True)
