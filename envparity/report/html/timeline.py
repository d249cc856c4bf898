"""The startup steps of every environment as bars on one axis: a table whose cells are drawn to one scale."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envparity.observe.record import Observation, StartupStep
from envparity.report.html.markup import Html, tag
from envparity.report.saved import SavedRun

__all__ = ["timelines"]

_THINNEST = 0.6  # per cent of the axis: what took no time is still to be seen
_ROOM = 0.6  # a bar that ends before this leaves room for its label
_TICKS = 4


@dataclass(frozen=True)
class _Column:
    """One replica of one environment: its steps by name, and when the first of them began (epoch, ms)."""

    title: str
    steps: dict[str, StartupStep]
    zero_ms: float

    def span(self, name: str) -> tuple[float, float] | None:
        """When that step began and ended, in ms after the first; None where it did not run."""
        step = self.steps.get(name)
        began = _moment(step) if step is not None else None
        if step is None or began is None:
            return None
        return began - self.zero_ms, began - self.zero_ms + step.duration_ms


def timelines(run: SavedRun) -> Html:
    """A table for each way to boot; all but the usual one, and those that a finding speaks of, are folded."""
    special = {case for finding in run.verdict.findings for case in finding.cases}
    boots: dict[str, list[Observation]] = {}
    for observation in run.observations:
        boots.setdefault(observation.case.boot.label, []).append(observation)
    places = {name: place for place, name in enumerate(run.verdict.environments)}
    drawn = []
    for label, observations in boots.items():
        # A saved run may come from elsewhere: what its verdict does not name stands last.
        table = _table(
            label, sorted(observations, key=lambda observation: places.get(observation.case.environment, len(places)))
        )
        if table is None:
            continue
        opened = observations[0].case.boot.steady or any(observation.case.id in special for observation in observations)
        drawn.append(tag("details", tag("summary", f"Booted {label}"), table, open=opened, class_="boot"))
    return Html("".join(drawn)) if drawn else tag("p", "No backend said which steps it takes.", class_="nothing")


def _table(label: str, observations: Sequence[Observation]) -> Html | None:
    columns = [column for observation in observations for column in _columns(observation)]
    names = list(dict.fromkeys(name for column in columns for name in column.steps))
    if not names:
        return None
    spans = [span for column in columns for name in names if (span := column.span(name)) is not None]
    tick_ms = _tick_ms(max((end for _, end in spans), default=1.0))
    most_ms = tick_ms * math.ceil(max((end for _, end in spans), default=1.0) / tick_ms)
    head = tag(
        "tr",
        tag("th", "step", scope="col"),
        [tag("th", each_column.title, scope="col") for each_column in columns],
        role="row",
    )
    body = [
        tag(
            "tr",
            tag("th", name, scope="row", role="rowheader"),
            [_cell(column, name, most_ms, tick_ms) for column in columns],
            role="row",
        )
        for name in names
    ]
    axis = tag("td", _axis(most_ms, tick_ms), role="cell")
    foot = tag(
        "tr", tag("th", "after the first step", scope="row", role="rowheader"), [axis] * len(columns), role="row"
    )
    table = tag(
        "table",
        tag("caption", "When each startup step ran, in every environment on the same scale", class_="unseen"),
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        tag("tfoot", foot, role="rowgroup"),
        class_=f"timeline stacked of{min(len(columns), 6)}",
        role="table",
    )
    return tag("div", table, class_="wide", tabindex="0", role="region", aria_label=f"Startup steps, booted {label}")


def _columns(observation: Observation) -> Iterator[_Column]:
    several = len(observation.replicas) > 1
    for replica in observation.replicas:
        steps = {step.name: step for step in replica.startup.steps} if replica.startup is not None else {}
        began = [moment for step in steps.values() if (moment := _moment(step)) is not None]
        name = observation.case.environment
        yield _Column(f"{name} {replica.index + 1}" if several else name, steps, min(began, default=0.0))


def _cell(column: _Column, name: str, most_ms: float, tick_ms: float) -> Html:
    step, span = column.steps.get(name), column.span(name)
    if step is None:
        return tag("td", tag("span", "no such step", class_="none"), role="cell", data_of=column.title)
    words = _ms(step.duration_ms) if step.outcome == "passed" else step.outcome
    if step.outcome == "failed":
        words = f"failed, {_ms(step.duration_ms)}"
    grid = [
        tag("line", x1=at, x2=at, y1="0", y2="100%", class_="grid")
        for at in (_percent(tick, most_ms) for tick in _ticks(most_ms, tick_ms))
    ]
    drawing = tag("svg", grid, _bar(step.outcome, span, most_ms), _label(words, step.outcome, span, most_ms),
                  aria_hidden="true", class_="lane")  # fmt: skip
    more = [f"{step.attempts} attempts"] if step.attempts > 1 else []
    more += [f"waited for {step.waited_for}"] if step.waited_for else []
    note = tag("span", ", ".join(more), class_="note") if more else None
    return tag("td", drawing, tag("span", words, class_="unseen"), note, role="cell", data_of=column.title)


def _bar(outcome: str, span: tuple[float, float] | None, most_ms: float) -> Html | None:
    if span is None:
        return None
    left, right = span
    wide = max(_THINNEST, (right - left) / most_ms * 100)
    return tag("rect", x=_percent(left, most_ms), width=f"{wide:.2f}%", y="22%", height="56%", class_=outcome)


def _label(words: str, outcome: str, span: tuple[float, float] | None, most_ms: float) -> Html:
    """Behind the bar where there is room, else before it, else in it."""
    left, right = (0.0, 0.0) if span is None else (figure / most_ms for figure in span)
    if right <= _ROOM:
        at, anchor, shift = right, "start", 6
    elif left >= 1 - _ROOM:
        at, anchor, shift = left, "end", -6
    else:
        at, anchor, shift = left, "start", 6
        outcome = f"{outcome} inside"
    return tag("text", words, x=f"{at * 100:.2f}%", y="50%", dx=shift, dy=".35em", text_anchor=anchor, class_=outcome)


def _axis(most_ms: float, tick_ms: float) -> Html:
    """The numbers under the bars; the last stands inside of the frame."""
    *ticks, last = _ticks(most_ms, tick_ms)
    numbers = [tag("text", _ms(at), x=_percent(at, most_ms), y="50%", dy=".35em") for at in ticks]
    end = tag("text", _ms(last), x="100%", y="50%", dy=".35em", text_anchor="end")
    words = f"from 0 to {_ms(most_ms)}"
    return Html(tag("svg", numbers, end, aria_hidden="true", class_="lane axis") + tag("span", words, class_="unseen"))


def _ticks(most_ms: float, tick_ms: float) -> list[float]:
    return [index * tick_ms for index in range(round(most_ms / tick_ms) + 1)]


def _tick_ms(longest_ms: float) -> float:
    """1, 2 or 5 times a power of ten, so that about four fit."""
    rough = max(longest_ms, 1.0) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _percent(at_ms: float, most_ms: float) -> str:
    return f"{max(0.0, min(1.0, at_ms / most_ms)) * 100:.2f}%"


def _moment(step: StartupStep) -> float | None:
    """When the step began, in ms since the epoch; None where the report does not say, or says it in no ISO 8601."""
    if not step.started:
        return None
    try:
        return dt.datetime.fromisoformat(step.started).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def _ms(duration_ms: float) -> str:
    if duration_ms >= 1000:
        return f"{duration_ms / 1000:.2g} s" if duration_ms < 10_000 else f"{duration_ms / 1000:.0f} s"
    return f"{duration_ms:.0f} ms" if duration_ms >= 1 or duration_ms == 0 else "<1 ms"
