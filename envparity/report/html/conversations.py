"""The transcripts of one scenario laid side by side, environment by environment, as data for the page to draw.

What is the same everywhere is one row. Where environments part, each has a cell of its own with the fields that differ.
A difference that an environment's file declares is marked as declared; the first that none declares is marked as such.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from envparity.judge.canonical import Item, connections, event_data
from envparity.judge.compare import covers
from envparity.judge.normalise import ABSENT
from envparity.model.backend import Backend
from envparity.model.environment import DeclaredDifference
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript, violations_of
from envparity.report.html.markup import visible
from envparity.report.saved import SavedRun

__all__ = ["PlayedScenario", "played"]

_VALUE = 300  # characters of one value
_LINE = 600  # characters of one row that is the same everywhere
_FIELDS = 14  # of one cell


@dataclass(frozen=True)
class PlayedScenario:
    """One scenario on one boot. `rows` are as the page draws them; `first` is the row that parts first, or None.

    `states` has a word for each environment: kept, left (its script), or not played.
    """

    scenario: str
    title: str
    group: str
    boot: str
    states: Mapping[str, str]
    rows: tuple[dict[str, object], ...]
    departures: Mapping[str, tuple[int, str, str]]
    first: int | None

    @property
    def matters(self) -> bool:
        """Somebody who looks for a cause wants to see it."""
        return self.first is not None or bool(self.departures)

    @property
    def data(self) -> dict[str, object]:
        """For the page: rows, departures, and where the first difference is."""
        together: dict[tuple[int, str, str], list[str]] = {}
        for name, departure in self.departures.items():
            together.setdefault(departure, []).append(visible(name))
        departures = [
            {"on": names, "step": step, "expected": visible(expected), "got": visible(got)}
            for (step, expected, got), names in together.items()
        ]
        names = [visible(name) for name, state in self.states.items() if state != "not played"]
        return {"rows": list(self.rows), "names": names, "left": departures, "first": self.first}


def played(run: SavedRun) -> Iterator[PlayedScenario]:
    """Every scenario of the run, in the order of the backend's file."""
    known = {each_scenario.name: each_scenario for each_scenario in run.project.scenarios}
    ranks = {name: rank for rank, name in enumerate(known)}
    boots: dict[tuple[str, str], dict[str, tuple[Observation, Transcript]]] = {}
    for observation in run.observations:
        for script in observation.transcripts:
            key = (script.scenario, observation.case.boot.label)
            boots.setdefault(key, {})[observation.case.environment] = (observation, script)
    aligning = _Aligning(run)
    for (scenario, boot), sides in sorted(boots.items(), key=lambda value: ranks.get(value[0][0], len(ranks))):
        saved = known.get(scenario)
        first = next(iter(sides.values()))[1]
        scripts = {name: sides[name][1] for name in run.verdict.environments if name in sides}
        rows, parts = aligning.rows(scenario, scripts)
        departures = {
            name: each_script.departure for name, each_script in scripts.items() if each_script.departure is not None
        }
        yield PlayedScenario(
            scenario=scenario,
            title=saved.title if saved else "",
            group=saved.group if saved else first.group,
            boot=boot,
            states={name: _state(scripts.get(name)) for name in run.verdict.environments},
            rows=tuple(rows),
            departures={
                name: (departure.step + 1, departure.expected, departure.got) for name, departure in departures.items()
            },
            first=parts,
        )


def _state(script: Transcript | None) -> str:
    if script is None:
        return "not played"
    return "kept" if script.departure is None else "left"


class _Aligning:
    """Lays transcripts side by side; the first environment that played a scenario is the one the others are held to."""

    def __init__(self, run: SavedRun) -> None:
        self._backend: Backend = run.project.for_comparing()
        today = dt.date.fromisoformat(run.project.began[:10])
        self._declared: dict[str, list[DeclaredDifference]] = {
            environment.name: [
                each for each in environment.differences if each.expires is None or each.expires >= today
            ]
            for environment in run.project.environments
        }

    def rows(self, scenario: str, scripts: Mapping[str, Transcript]) -> tuple[list[dict[str, object]], int | None]:
        """The rows, and the index of the first one in which something differs that nobody declared."""
        sides = {name: connections(self._backend, script) for name, script in scripts.items()}
        names = list(dict.fromkeys(connection for side in sides.values() for connection in side))
        rows = []
        for connection in names:
            columns = {name: side.get(connection, ()) for name, side in sides.items()}
            for cells in _aligned(columns):
                row = self._row(scenario, cells, next(iter(scripts.values())).names)
                rows.append(row | {"c": connection} if len(names) > 1 else row)
        return rows, next((index for index, row in enumerate(rows) if row.get("m") == "differs"), None)

    def _row(self, scenario: str, cells: Mapping[str, Item | None], names: Mapping[str, str]) -> dict[str, object]:
        there = [cell for cell in cells.values() if cell is not None]
        first = there[0]
        times = [round(cell.event.at_s * 1000) if cell is not None else None for cell in cells.values()]
        if len(there) == len(cells) and all(item == first for item in there):
            fields = first.fields
            if first.kind == "sent":  # compared by its kind alone, and yet worth reading
                fields = {key: _json(value) for key, value in event_data(first.event).items() if value != first.name}
            text = ", ".join(f"{path} {value}" for path, value in fields.items())
            for value, name in names.items():
                text = text.replace(value, name)
            return {"l": visible(first.label), "d": _cut(text, _LINE), "n": first.times, "t": times} | _against(there)
        alike = len({(item.kind, item.name) for item in there}) == 1 and len(there) == len(cells)
        paths = sorted({path for item in there for path in item.fields}) if alike else []
        differing = [path for path in paths if len({item.fields.get(path) for item in there}) > 1]
        undeclared = {path for path in differing if not self._is_declared(f"{scenario}.{first.name}", path, cells)}
        drawn = [
            None if cell is None else self._cell(cell, differing if alike else None, undeclared)
            for cell in cells.values()
        ]
        mark = "differs" if undeclared or not alike else "declared"
        return {"l": visible(first.label), "x": drawn, "n": first.times, "t": times, "m": mark} | _against(there)

    def _cell(self, item: Item, differing: Sequence[str] | None, undeclared: set[str]) -> dict[str, object]:
        paths = list(item.fields) if differing is None else differing
        fields = [
            [visible(path), _cut(item.fields.get(path, ABSENT), _VALUE), int(path in undeclared)]
            for path in paths[:_FIELDS]
        ]
        return {"l": visible(item.label), "f": fields, "more": max(0, len(paths) - _FIELDS)}

    def _is_declared(self, frame: str, field: str, cells: Mapping[str, Item | None]) -> bool:
        """Whether every environment whose value is not the baseline's declares that path, or the baseline does."""
        path = f"{frame}.{field}"
        baseline, *others = cells
        if self._declares(baseline, path):
            return True
        usual = _value(cells[baseline], field)
        return all(_value(cells[other], field) == usual or self._declares(other, path) for other in others)

    def _declares(self, environment: str, path: str) -> bool:
        return any(covers(item, f"conversation.{path}") for item in self._declared.get(environment, ()))


def _value(item: Item | None, path: str) -> str | None:
    return item.fields.get(path) if item is not None else None


def _aligned(columns: Mapping[str, Sequence[Item]]) -> Iterator[dict[str, Item | None]]:
    """Rows with one item of each column or None; items of a kind stand in one row, the first column leads."""
    spine_name, *others = columns
    spine = columns[spine_name]
    at: list[dict[str, Item | None]] = [{spine_name: item} for item in spine]
    between: list[list[dict[str, Item | None]]] = [[] for _ in range(len(spine) + 1)]
    for name in others:
        items = columns[name]
        matcher = SequenceMatcher(
            a=[_key(each_item) for each_item in spine], b=[_key(each_item) for each_item in items], autojunk=False
        )
        for action, low, high, start, end in matcher.get_opcodes():
            if action == "equal":
                for offset in range(high - low):
                    at[low + offset][name] = items[start + offset]
            else:
                for offset, item in enumerate(items[start:end]):
                    _put(between[low], offset, name, item)
    empty = dict.fromkeys(columns)
    for index in range(len(spine) + 1):
        yield from (empty | row for row in between[index])
        if index < len(spine):
            yield empty | at[index]


def _put(rows: list[dict[str, Item | None]], offset: int, name: str, item: Item) -> None:
    while len(rows) <= offset:
        rows.append({})
    rows[offset][name] = item


def _key(item: Item) -> tuple[str, str]:
    return item.kind, item.name


def _against(items: Sequence[Item]) -> dict[str, object]:
    """What the contract says against any of these frames."""
    said = dict.fromkeys(visible(text) for item in items for text in violations_of(item.event))
    return {"v": list(said)} if said else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str, length: int) -> str:
    text = visible(text)
    return text if len(text) <= length else f"{text[:length]}…"
