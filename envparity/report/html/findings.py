"""What is red, said first and in full: the verdict as a headline, and every finding with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from envparity.judge.entries import VerdictEntry, defects, entries, undeclared
from envparity.judge.finding import Finding, Verdict
from envparity.judge.rules import Rule
from envparity.report.html.environments import state_of
from envparity.report.html.markup import Html, tag
from envparity.report.saved import SavedRun
from envparity.report.verdict import counted, found_text, launchers, not_played
from envparity.report.wording import cause_text, evidence_lines

__all__ = ["findings_section", "verdict_header"]

_LISTED = 12  # findings named under the headline; the section has them all


def verdict_header(run: SavedRun) -> Html:
    """The ten seconds: red or clean, what, where, and the cause where one was isolated."""
    verdict = run.verdict
    word = "good" if verdict.clean else "bad"
    names = [
        tag("li", tag("strong", name), " ", tag("span", text, class_=look), class_=look)
        for name in verdict.environments
        for look, text in [state_of(run, name)]
    ]
    return tag(
        "header",
        tag("p", "envparity", tag("span", f" report on {run.project.backend}"), class_="product"),
        tag("h1", tag("span", _word(verdict), class_="word"), " ", _headline(run)),
        _lead(run),
        tag("ul", names, class_="states", aria_label="Environments"),
        _facts(run),
        class_=f"verdict {word}",
    )


def _word(verdict: Verdict) -> str:
    if verdict.broken_off:
        return "Broken off"
    return "Clean" if verdict.clean else "Red"


def findings_section(run: SavedRun, rules: Mapping[str, Rule]) -> Html:
    """Every finding: cause, expected and got, evidence, what to do, how to see it again."""
    verdict = run.verdict
    heading = tag("h2", "Findings", id="findings-heading")
    if verdict.clean:
        extent = f"{counted(verdict.rules, 'rule')} held in {counted(verdict.cases, 'boot')}"
        body: Html | list[Html] = tag("p", f"None. {extent} and {counted(verdict.scenarios, 'conversation')}.")
    elif not verdict.findings:
        body = tag("p", f"None in the {counted(verdict.cases, 'case')} that came to an end.")
    else:
        body = [_entry(defect, verdict.environments, rules) for defect in defects(verdict.findings)]
    apart = [
        _finding(finding, verdict.environments, rules.get(finding.code)) for finding in undeclared(verdict.findings)
    ]
    differing = [tag("h2", "Differences that nobody declared"), *apart] if apart else []
    chance = [_entry(entry, verdict.environments, rules) for entry in entries(verdict.by_chance)]
    chance += [tag("p", tag("strong", "Unsteady: "), text) for text in verdict.unsteady]
    by_chance = [tag("h2", "By chance, and in no environment more often than in another"), *chance] if chance else []
    return tag("section", heading, body, differing, by_chance, id="findings", aria_labelledby="findings-heading")


def _entry(entry: VerdictEntry, environments: Sequence[str], rules: Mapping[str, Rule]) -> Html:
    """A defect: the finding that stands for it in full, the others with its cause behind a line."""
    first = _finding(entry.finding, environments, rules.get(entry.finding.code))
    if not entry.others:
        return first
    others = [_finding(finding, environments, rules.get(finding.code)) for finding in entry.others]
    summary = tag("summary", f"{counted(len(others), 'finding')} more with the same cause")
    return Html(first + tag("details", summary, others, class_="shared"))


def _headline(run: SavedRun) -> str:
    verdict = run.verdict
    if verdict.clean:
        return f"{counted(len(verdict.environments), 'environment')}, and nothing differs that is not declared"
    if verdict.broken_off:
        so_far = found_text(verdict.findings) if verdict.findings else "no finding"
        return f"{so_far} in {verdict.cases} of {counted(verdict.planned, 'case')}: {verdict.broken_off}"
    if len(verdict.findings) == 1:
        return verdict.findings[0].title
    return found_text(verdict.findings)


def _lead(run: SavedRun) -> Html | None:
    told = [*defects(run.verdict.findings), *entries(undeclared(run.verdict.findings))]
    findings = [entry.finding for entry in told]
    if not findings:
        return None
    if len(findings) == 1:
        (only,) = findings
        cause = _cause(only, "lead cause")
        what = tag("p", _where(only, run.verdict.environments), ": ", only.got, class_="lead")
        quoted = evidence_lines(only)
        first = tag("p", quoted[0], class_="quoted") if quoted else None
        return Html("".join(item for item in (what, cause, first) if item is not None))
    items = [
        tag(
            "li",
            tag("a", finding.id, href=f"#{finding.id}"),
            f" {finding.title}",
            tag("span", f" in {_names(finding.environments)}"),
            _cause(finding, "cause"),
        )
        for finding in findings[:_LISTED]
    ]
    if len(findings) > _LISTED:
        items.append(tag("li", tag("a", f"and {len(findings) - _LISTED} more", href="#findings")))
    return tag("ul", items, class_="lead plain")


def _facts(run: SavedRun) -> Html:
    verdict = run.verdict
    facts: list[tuple[str, str]] = [
        ("launcher", launchers(verdict.launcher, verdict.attached, verdict.reason)),
        ("boots", str(verdict.cases)),
        ("conversations", str(verdict.scenarios)),
        ("rules", str(verdict.rules)),
        ("took", f"{verdict.duration_s:.0f} s"),
        ("run", verdict.run_id),
        ("began", run.project.began[:16].replace("T", " ") + " UTC"),
    ]
    listed = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    unchecked = None
    if verdict.cannot_check:
        unchecked = tag(
            "p",
            tag("strong", "Not checked: "),
            "; ".join(verdict.cannot_check),
            " (this launcher cannot)",
            class_="warn",
        )
    never = tag("p", tag("strong", "Never matched: "), "; ".join(verdict.notes)) if verdict.notes else None
    varies = tag("p", tag("strong", "Varies: "), "; ".join(verdict.varying)) if verdict.varying else None
    left_out = (
        tag("ul", [tag("li", text) for text in not_played(verdict)], class_="plain") if verdict.left_out else None
    )
    unplayed = tag("details", tag("summary", f"{len(verdict.left_out)} not played"), left_out) if left_out else None
    told = [html for html in (unchecked, never, varies, unplayed) if html is not None]
    return Html("".join((tag("dl", listed, class_="facts"), *told)))


def _finding(finding: Finding, environments: Sequence[str], rule: Rule | None) -> Html:
    return tag(
        "article",
        tag("h3", tag("a", finding.id, href=f"#{finding.id}", class_="id"), " ", finding.title),
        tag("p", _where(finding, environments), class_="where"),
        _cause(finding, "cause"),
        tag(
            "dl",
            tag("div", tag("dt", "Expected"), tag("dd", finding.expected)),
            tag("div", tag("dt", "Got"), tag("dd", finding.got, class_="bad")),
            class_="contrast",
        ),
        _evidence(finding),
        tag("p", tag("strong", "What to do: "), finding.action, class_="action") if finding.action else None,
        _replay(finding),
        _explained(rule),
        id=finding.id,
        class_="finding",
    )


def _where(finding: Finding, environments: Sequence[str]) -> Html:
    seen = tag("span", f"in {_names(finding.environments)}", class_="seen")
    others = [name for name in environments if name not in finding.environments]
    special = [case for case in finding.cases if case not in finding.environments]
    parts: list[str | Html] = [seen]
    if others:
        parts.append(f", not in {_names(others)}")
    if special:
        parts.append(f", in {counted(len(finding.cases), 'boot')}")
    return Html("".join(tag("span", part) for part in parts))


def _cause(finding: Finding, look: str) -> Html | None:
    cause = cause_text(finding.cause)
    return tag("p", tag("strong", "Cause: "), cause, class_=look) if cause else None


def _evidence(finding: Finding) -> Html | None:
    quoted = [tag("li", line) for line in evidence_lines(finding)]
    if not quoted:
        return None
    return Html(tag("h4", "Evidence") + tag("ul", quoted, class_="evidence"))


def _replay(finding: Finding) -> Html:
    commands = [f"envparity replay {finding.id}", *([finding.replay] if finding.replay else [])]
    return tag("div", tag("h4", "See it again"), [_command(command) for command in commands], class_="replay")


def _command(command: str) -> Html:
    button = tag("button", "Copy", type="button", data_copy=command, aria_label=f"Copy: {command}")
    return tag("div", tag("code", command), button, class_="command")


def _explained(rule: Rule | None) -> Html | None:
    if rule is None:
        return None
    paragraphs = [_paragraph(text) for text in rule.description.strip().split("\n\n")]
    return tag("details", tag("summary", f"What {rule.code} means"), paragraphs, class_="explained")


def _paragraph(text: str) -> Iterator[Html]:
    """`explain`'s text: a heading on a line of its own, then what it is about."""
    heading, _, rest = text.partition("\n")
    if rest:
        yield tag("h4", heading)
        yield tag("p", rest)
    else:
        yield tag("p", heading)


def _names(names: Sequence[str]) -> str:
    """`local`, `local and staging`, `local, staging and production`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
