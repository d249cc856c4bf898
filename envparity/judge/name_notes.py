"""What is told of names, and is no finding: which vary although nobody says so, and what is said of none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from envparity.judge.name_values import NamesShown, is_comparable, said_of_itself, shown_by
from envparity.model.backend import Backend
from envparity.model.names import DeclaredName
from envparity.observe.moments import is_moment
from envparity.observe.record import Observation, Replica

__all__ = ["declared_in_vain", "undeclared"]

_MOST = 12  # values that are told of; whoever has more has a report that is made anew each time
_FEWEST = 2

_Told = tuple[str, str]  # the environment, and which of its replicas or boots differ


def declared_in_vain(backend: Backend, observations: Sequence[Observation]) -> Iterator[str]:
    """A sentence for each declared name that no replica shows, or that nothing can be held against."""
    boots = (
        [shown_by(backend, observation) for observation in observations if is_comparable(observation)]
        if backend.names
        else []
    )
    for name in backend.names if boots else ():
        by_boot = [[replica for replica in replicas if any(map(name.covers, replica.values))] for replicas in boots]
        if not any(by_boot):
            yield f"names has the path {name.path!r}, and no replica showed anything there"
        elif not _is_compared(name, by_boot):
            among = "replicas of one boot" if name.across == "replicas" else "boots of one environment"
            yield f"names has the path {name.path!r} across {name.across}, and no two {among} were seen to show it"


def _is_compared(name: DeclaredName, by_boot: Sequence[Sequence[NamesShown]]) -> bool:
    if any(len(replicas) >= _FEWEST for replicas in by_boot):
        return True
    seen = [replicas[0].observation.case.environment for replicas in by_boot if replicas]
    return name.across == "boots" and len(seen) > len(set(seen))


def undeclared(backend: Backend, observations: Iterable[Observation]) -> Iterator[str]:
    """A sentence for each text of reports and health that varies although nobody says whether it ought to.

    It was another one in two replicas of a boot, or in two boots of an environment.
    """
    found: dict[str, list[_Told]] = {}
    for environment, boots in _usual_boots(filter(is_comparable, observations)).items():
        tables = [[_names(backend, boot, replica) for replica in boot.replicas] for boot in boots]
        within = _varying(pair for replicas in tables for pair in combinations(replicas, 2))
        between = _varying((tables[0][0], table[0]) for table in tables[1:])
        for path in sorted(within | between):
            found.setdefault(path, []).append((environment, "replicas" if path in within else "boots"))
    for path, told in list(found.items())[:_MOST]:
        where = ", ".join(f"between {among} of {environment}" for environment, among in told)
        yield f"{path} is not the same {where}, and names does not say whether it ought to be"


def _usual_boots(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """By environment, the boots that started and of which nothing was asked that could show in what they are called."""
    boots: dict[str, list[Observation]] = {}
    for observation in observations:
        asked = observation.case.boot
        usual = not (asked.settings or asked.order or asked.timeline)
        if observation.replicas and usual and all(_started(replica) for replica in observation.replicas):
            boots.setdefault(observation.case.environment, []).append(observation)
    return boots


def _started(replica: Replica) -> bool:
    return replica.startup is None or replica.startup.status == "pass"


def _names(backend: Backend, observation: Observation, replica: Replica) -> dict[str, str]:
    """What it is called, by itself: texts that are no moments, and are not declared to be volatile or a name.

    What is judged in another way is no name: its order, steps, checks, failures and settings.
    """
    report = backend.report
    judged = {report.status, report.order, report.steps, report.checks, report.failures, report.settings}
    return {
        path: value
        for path, value in said_of_itself(backend, observation, replica).items()
        if not judged & {*path.split(".")}
        and path.rpartition(".")[2] not in backend.volatile
        and isinstance(text := json.loads(value), str)
        and not is_moment(text.strip())
        and not any(name.covers(path) for name in backend.names)
    }


def _varying(pairs: Iterable[tuple[dict[str, str], dict[str, str]]]) -> set[str]:
    return {path for item, other in pairs for path in item.keys() & other.keys() if item[path] != other[path]}
