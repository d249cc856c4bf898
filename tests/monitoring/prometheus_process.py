"""A real Prometheus on the repository's own configuration and rules, made faster, and what it says of them."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from tests.monitoring.faster import faster, shortened
from tests.monitoring.tools import CONFIGURATION, RULES, program
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

READY_DEADLINE_S = 100.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.1


class TooLate(Exception):
    """Prometheus has not said in time what was expected of it."""


class Prometheus:
    """Its answers, and the states that each alert has gone through."""

    def __init__(self, client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
        self._client = client
        self._process = process
        self._log = log
        self.seen: dict[str, list[str]] = {}
        self.said: dict[str, dict[str, str]] = {}
        """The annotations of each alert as it last fired."""

    def value(self, query: str) -> float | None:
        """The value of a query with one result; None while there is none."""
        found = self._get("query", {"query": query})["result"]
        return float(found[0]["value"][1]) if found else None

    def alerts_that_were(self, state: str) -> set[str]:
        """The alerts that have been `pending` or `firing` at any evaluation, whoever looked."""
        ever = self._get("query", {"query": f'count_over_time(ALERTS{{alertstate="{state}"}}[1h])'})["result"]
        return {alert["metric"]["alertname"] for alert in ever}

    def until_value(self, query: str, expected: float, timeout_s: float) -> None:
        """Wait until a query has this value. Raises TooLate."""
        self._until(lambda: self.value(query) == expected, f"{query} is {expected}", timeout_s)

    def until(self, state: str, names: Sequence[str], timeout_s: float) -> None:
        """Wait until each of these alerts is `inactive`, `pending` or `firing`. Raises TooLate with what all were."""

        def all_are() -> bool:
            states = self.look()
            return all(states.get(name) == state for name in names)

        self._until(all_are, f"{state}: {', '.join(names)}", timeout_s)

    def from_now_on(self) -> dict[str, str]:
        """Forget what was seen and said; the state of every alert now."""
        self.seen.clear()
        self.said.clear()
        return self.look()

    def look(self) -> dict[str, str]:
        """The state of every alert now; what is new of it is remembered. No rule may be broken."""
        states = {}
        for rule in (rule for group in self._get("rules", {})["groups"] for rule in group["rules"]):
            assert rule["health"] in {"ok", "unknown"}, f"{rule['name']}: {rule.get('lastError')}"
            if rule["type"] != "alerting":
                continue
            states[rule["name"]] = rule["state"]
            seen = self.seen.setdefault(rule["name"], [])
            if seen[-1:] != [rule["state"]]:
                seen.append(rule["state"])
            for alert in rule["alerts"]:
                if alert["state"] == "firing":
                    self.said[rule["name"]] = alert["annotations"]
        return states

    def until_ready(self) -> None:
        """Wait until it has loaded its configuration. Raises TooLate, also when it has ended."""

        def ready() -> bool:
            if self._process.poll() is not None:
                raise TooLate(f"prometheus ended with {self._process.returncode}: {self._logged()}")
            try:
                return self._client.get("/-/ready").is_success
            except httpx.TransportError:
                return False

        self._until(ready, "ready", READY_DEADLINE_S)

    def _until(self, look: Callable[[], bool], what: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not look():
            if time.monotonic() > deadline:
                raise TooLate(f"not within {timeout_s:g} s: {what}; {self.seen}; {self._logged()}")
            time.sleep(POLL_S)

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        return self._client.get(f"/api/v1/{path}", params=parameters).raise_for_status().json()["data"]

    def _logged(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


@contextmanager
def running(folder: Path, ports: Mapping[str, Sequence[int]], factor: int) -> Iterator[Prometheus]:
    """Prometheus, scraping each job of prometheus.yaml at these ports of 127.0.0.1; times are divided by `factor`."""
    port, log = free_port(), folder / "prometheus.log"
    options = {
        "config.file": _configured(folder, ports, factor),
        "storage.tsdb.path": folder / "prometheus",
        "web.listen-address": f"127.0.0.1:{port}",
        "log.level": "warn",
    }
    command = [program("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            prometheus = Prometheus(client, process, log)
            prometheus.until_ready()
            yield prometheus
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def _configured(folder: Path, ports: Mapping[str, Sequence[int]], factor: int) -> Path:
    rules, configuration = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (RULES, CONFIGURATION))
    (folder / RULES.name).write_text(yaml.safe_dump(faster(rules, factor), sort_keys=False))
    intervals = {name: shortened(value, factor) for name, value in configuration["global"].items()}
    configuration["global"] = {**intervals, "scrape_timeout": intervals["scrape_interval"]}
    for job in configuration["scrape_configs"]:
        (static,) = job["static_configs"]
        static["targets"] = [f"127.0.0.1:{port}" for port in ports[job["job_name"]]]
    path = folder / CONFIGURATION.name
    path.write_text(yaml.safe_dump(configuration))
    return path
