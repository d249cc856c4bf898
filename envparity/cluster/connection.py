"""A connection to a cluster of Dask `distributed`: workers that have an engine, prepared for one run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import dask.config
import msgspec
from distributed import Client, Future, LocalCluster, Security

from envparity.cluster import worker
from envparity.cluster.address import ClusterAddress
from envparity.cluster.facts import LauncherFacts
from envparity.cluster.wire import Asked, Assignment, Prepared
from envparity.errors import ConfigurationError, LaunchError, Mistake

__all__ = ["RESOURCE", "ClusterConnection"]

RESOURCE = "engine"
"""What a worker says that it has one of (`--resources engine=1`): it boots one case at a time."""

_CONNECT_S = 60.0
_WORKERS_S = 120.0
_LOCAL_S = 600.0  # those of this machine come, however busy it is
_PREPARE_S = 1800.0
_END_S = 60.0
_LOOK_S = 0.5
_RETRIES = 2


class ClusterConnection:
    """Connected when it is made. Raises `LaunchError` where there is no cluster, no worker, or no TLS."""

    def __init__(self, address: ClusterAddress, waiting: Callable[[str], None]) -> None:
        self._local: LocalCluster | None = None
        self._plugin = ""
        self._address = address
        for name in ("distributed", "distributed.nanny", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it is said as this run's own
        dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT_S:g}s"})
        try:
            if address.local:
                waiting(f"{address.local} workers of this machine")
                security = Security.temporary()
                self._local = LocalCluster(
                    n_workers=address.local, threads_per_worker=1, resources={RESOURCE: 1}, security=security,
                    dashboard_address=None, host="127.0.0.1", protocol="tls://", silence_logs=logging.CRITICAL,
                )  # fmt: skip
                self.client = Client(self._local, set_as_default=False)
            else:
                files = address.certificates
                if files is None:
                    raise LaunchError("a cluster without certificates")
                waiting(f"the cluster at {address.scheduler}")
                security = Security(
                    tls_ca_file=str(files.ca), tls_client_cert=str(files.cert), tls_client_key=str(files.key),
                    require_encryption=True,
                )  # fmt: skip
                self.client = Client(
                    address.scheduler, security=security, timeout=_CONNECT_S, set_as_default=False, name="envparity"
                )
        except (OSError, ValueError, RuntimeError) as error:
            self._end_local()
            raise LaunchError(f"no cluster at {self.name}: {error}") from error
        try:
            self._until_workers(waiting)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """Where it is, as people know it."""
        return self._address.scheduler or f"local:{self._address.local}"

    def workers(self) -> set[str]:
        """The addresses of the workers that have an engine, now. Raises `OSError` where no scheduler answers."""
        scheduler = self.client.scheduler
        if scheduler is None:
            raise OSError("there is no connection")
        known = self.client.sync(scheduler.identity, n_workers=-1, callback_timeout=_CONNECT_S)
        return {name for name, value in known["workers"].items() if value["resources"].get(RESOURCE, 0) >= 1}

    def prepare(self, assignment: Assignment, waiting: Callable[[str], None]) -> LauncherFacts:
        """Have every worker prepare that run, now or when it joins.

        Raises `ConfigurationError` where one has other files, and `LaunchError` where one cannot boot.
        """
        waiting("the workers to prepare: files, engine, images")
        self._plugin = f"envparity-{assignment.run}"
        plugin = worker.prepares_run(msgspec.json.encode(assignment).decode())
        try:
            self.client.sync(self.client._register_plugin, plugin, self._plugin, None, callback_timeout=_PREPARE_S)  # noqa: SLF001  its public name has no deadline
            said = self.client.run(worker.prepared, assignment.run, workers=sorted(self.workers()))
        except OSError as error:
            raise LaunchError(f"the workers of {self.name} could not prepare: {error or 'no answer'}") from error
        answers = {name: msgspec.json.decode(value, type=Prepared) for name, value in said.items()}
        wrong = {name: each_answer for name, each_answer in answers.items() if each_answer.wrong}
        if any(prepared.kind == "ConfigurationError" for prepared in wrong.values()):
            raise ConfigurationError(
                [
                    Mistake("--cluster", 0, name, "a worker that can prepare", each_value.wrong)
                    for name, each_value in wrong.items()
                ]
            )
        if wrong:
            raise LaunchError("; ".join(f"worker {name}: {refused.wrong}" for name, refused in wrong.items()))
        facts = [answer.facts for answer in answers.values()]
        if len({fact.name for fact in facts}) != 1:
            names = ", ".join(f"{name}: {answered.facts.name}" for name, answered in answers.items())
            raise LaunchError(f"the workers boot by different launchers ({names}): name one with --launcher")
        return LauncherFacts(
            facts[0].name,
            tuple(dict.fromkeys(gap for fact in facts for gap in fact.cannot_check)),
            facts[0].reason,
            tuple(dict.fromkeys(image for fact in facts for image in fact.images)),
        )

    def submit(self, run: str, key: str, asked: Asked) -> Future[str]:
        """Ask it of the first worker that is free; again where that died, or could not."""
        said = msgspec.json.encode(asked).decode()
        return self.client.submit(
            worker.answer, run, said, key=f"{key}@{run}", resources={RESOURCE: 1}, retries=_RETRIES, pure=False
        )

    def close(self) -> None:
        """End what the workers hold for this run, then the connection; of a cluster of our own, that too."""
        client = getattr(self, "client", None)
        if client is not None:
            with suppress(Exception):  # whatever a cluster that is gone says of it
                if self._plugin and client.status == "running":
                    name = self._plugin
                    client.sync(client._unregister_worker_plugin, name, callback_timeout=_END_S)  # noqa: SLF001
            with suppress(Exception):
                client.close(timeout=5)
        self._end_local()

    def _until_workers(self, waiting: Callable[[str], None]) -> None:
        waiting(f"workers of {self.name} that have an engine")
        longest_s = _LOCAL_S if self._address.local else _WORKERS_S
        until_s = time.monotonic() + longest_s
        least = max(self._address.local, 1)
        while not self._are_there(least):
            if time.monotonic() > until_s:
                advice = f"start workers with --resources {RESOURCE}=1"
                raise LaunchError(f"{self.name} has no worker with an engine, after {longest_s:g} s: {advice}")
            time.sleep(_LOOK_S)

    def _are_there(self, least: int) -> bool:
        try:
            return len(self.workers()) >= least
        except OSError:  # a scheduler that is late is asked again
            return False

    def _end_local(self) -> None:
        if self._local is not None:
            with suppress(Exception):
                self._local.close(timeout=_END_S)
            self._local = None
