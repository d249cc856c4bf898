"""What of a project is for a cluster: charts with their files of values, kustomizations, rendered objects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envparity.config.proposals.proposal import Proposal
from envparity.errors import ConfigurationError
from envparity.sources.kubernetes import backends
from envparity.sources.rendering import KUSTOMIZATIONS, Rendering, folders_of, kustomization_in, rendering_of
from envparity.sources.yaml_nodes import documents
from envparity.support.toml.bounds import bounded_text

__all__ = ["ClusterFile", "clusters", "workloads"]

_RENDERED: Final = ("k8s", "kubernetes", "deploy", "manifests")
_DEPTH: Final = 4
_PASSED_OVER: Final = frozenset({"node_modules", "vendor", "venv", "site-packages", "templates", "testdata"})
_FOR_READERS: Final = frozenset({"tests", "test", "examples", "example", "docs"})
_RUNS: Final = re.compile(r"^kind:\s*[\"']?(?:Deployment|StatefulSet|DaemonSet|Rollout)\b", re.MULTILINE)
_STAGES: Final = frozenset({"prod", "production", "stage", "staging", "dev", "development", "qa", "uat", "preview"})
_VALUES: Final = re.compile(r"values[-.](?P<name>[\w-]+)\.ya?ml")
_NO_ENVIRONMENT: Final = frozenset({"example", "sample", "schema", "ci", "test"})
_PLAIN_KEYS: Final = frozenset({"apiVersion", "kind", "metadata", "resources", "labels", "commonLabels", "namespace"})
_CLUSTER = "cluster"


@dataclass(frozen=True)
class ClusterFile:
    """A place that says what a cluster runs: how the environment may be called, and where it is, relative to the
    project's folder. `workloads` are those that may be the backend; `missing` says why it cannot be read here.
    """

    name: str
    path: str
    workloads: tuple[str, ...] = ()
    missing: str = ""

    def entry(self, chosen: str | None) -> str | None:
        """What `extends` names it as, with the workload where there are several; None: that one is not in it."""
        if len(self.workloads) == 1:
            return self.path
        return f"{self.path}#{chosen}" if chosen in self.workloads else None


def workloads(found: Sequence[ClusterFile]) -> list[Proposal[str]]:
    """The workloads that may be the backend, where some place has several."""
    first: dict[str, Proposal[str]] = {}
    for cluster in found:
        for name in cluster.workloads if len(cluster.workloads) > 1 else ():
            first.setdefault(name, Proposal(name, cluster.path))
    return list(first.values())


def clusters(folder: Path) -> list[ClusterFile]:
    """Every such place of the project. Programs that render are run, where they are installed. Raises `DoorFailed`."""
    places: dict[str, Path] = {}
    for name, path in dict.fromkeys(_places(folder)):
        other = f"{path.parent.name}-{path.stem}" if path.parent != folder else path.stem
        places.setdefault(other if name in places else name, path)
    return [_read(folder, name, path) for name, path in places.items()]


def _places(folder: Path) -> Iterator[tuple[str, Path]]:
    charts = [place for place in _holding(folder, "Chart.yaml") if not _is_below_chart(place, folder)]
    for chart in charts:
        yield from _values_of(chart)
    built = [place for place in _holding(folder, *KUSTOMIZATIONS) if not any(map(place.is_relative_to, charts))]
    bases = {base.resolve() for place in built for base in folders_of(place) if base.resolve() != place.resolve()}
    for place in built:
        if place.resolve() not in bases:
            yield _CLUSTER if place == folder or place.name in _RENDERED else place.name, place
    others = [*charts, *built]
    for name in _RENDERED:
        place = folder / name
        overlays = sorted(path for path in (place / "overlays").glob("*") if any(path.glob("*.y*ml")))
        for path in overlays or ([place] if any(place.glob("*.y*ml")) else []):
            if not any(path.is_relative_to(each) or each.is_relative_to(path) for each in (*charts, *built)):
                others.append(path)
                yield _CLUSTER if path == place else path.name, path
    yield from _elsewhere(folder, [*others, *bases, *(folder / name / "base" for name in _RENDERED)])


def _elsewhere(folder: Path, others: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Further folders in which something of a cluster runs, and files of the project's own folder, by what is in them.

    Those that others are part of, or are part of others, are told of already.
    """
    patterns = ["*/" * depth + f"*.{ending}" for depth in range(_DEPTH) for ending in ("yaml", "yml")]
    files = sorted(path for pattern in patterns for path in folder.glob(pattern) if _is_own(path, folder))
    running = [path for path in files if _RUNS.search(bounded_text(path))]
    places = dict.fromkeys(path if path.parent == folder else path.parent for path in running)
    for place in _joined(list(places), folder):
        around = [*others, *(other for other in places if other.is_relative_to(place) is False)]
        if not any(place.is_relative_to(other) or other.is_relative_to(place) for other in around):
            yield place.stem if place.stem in _STAGES else _CLUSTER, place


def _joined(places: Sequence[Path], folder: Path) -> list[Path]:
    """Folders of parts of one environment, which stand beside each other, as the folder above them."""
    beside = Counter(place.parent for place in places if place.stem not in _STAGES and place.parent != folder)
    staged = {place.parent for place in places if place.stem in _STAGES}
    above = [place.parent if beside[place.parent] > 1 and place.parent not in staged else place for place in places]
    return list(dict.fromkeys(above))


def _is_own(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts[:-1]
    return not any(part.startswith(".") or part in _PASSED_OVER | _FOR_READERS for part in parts)


def _holding(folder: Path, *names: str) -> list[Path]:
    """The folders of the project that have a file of one of these names, but those that are nobody's own."""
    patterns = ["*/" * depth + name for depth in range(_DEPTH) for name in names]
    found = {path.parent for pattern in patterns for path in folder.glob(pattern)}
    return sorted(
        place for place in found
        if not any(part.startswith(".") or part in _PASSED_OVER for part in place.relative_to(folder).parts)
    )  # fmt: skip


def _is_below_chart(place: Path, folder: Path) -> bool:
    """Whether it is a chart that another one depends on."""
    above = [parent for parent in place.parents if parent.is_relative_to(folder)]
    return any((parent / "Chart.yaml").is_file() for parent in above)


def _values_of(chart: Path) -> Iterator[tuple[str, Path]]:
    """The chart with each of its files of values that is an environment's; the chart alone where there is none."""
    named = [(match["name"], path) for path in sorted(chart.iterdir()) if (match := _VALUES.fullmatch(path.name))]
    named = [(name, path) for name, path in named if name not in _NO_ENVIRONMENT]
    yield from named or [(_CLUSTER, chart)]


def _read(folder: Path, name: str, path: Path) -> ClusterFile:
    shown = path.relative_to(folder).as_posix()
    rendering = rendering_of(path)
    if rendering is not None and not rendering.installed and not _stands_as_it_is(path):
        return ClusterFile(name, shown, missing=_missing(rendering))
    try:
        found = backends(path)
    except ConfigurationError as error:
        mistake = error.mistakes[0]
        return ClusterFile(name, shown, missing=f"expected {mistake.expected}, got {mistake.got}")
    return ClusterFile(name, shown, found, "" if found else "no workload is in it that may be the backend")


def _missing(rendering: Rendering) -> str:
    return (
        f'{rendering.called} is not installed; extends = ["-"] takes what is piped: '
        f"{rendering.command} | envparity check"
    )


def _stands_as_it_is(path: Path) -> bool:
    """Whether a kustomization does no more than to name objects that stand beside it."""
    named = kustomization_in(path)
    read = list(documents(named)) if named is not None else []
    listed = [node.at("resources") for node in read]
    named_files = [item.text or "" for node in listed if node is not None for item in node.items]
    plain = all(_PLAIN_KEYS.issuperset(node.table) for node in read)
    return bool(read) and plain and all((path / name).is_file() for name in named_files)
