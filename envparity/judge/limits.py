"""EP221, EP522: limits that cannot both hold, by the files alone and as measured."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.config.limits import broken_limits, room_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract, parity
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]


def _broken(view: RunView) -> Iterator[Breach]:
    for broken in broken_limits(view.project.backend, view.project.environments):
        cases = tuple(
            observation.case.id
            for observation in view.observations
            if observation.case.environment == broken.environment
        )
        if cases:
            yield Breach(
                where=broken.setting,
                expected=broken.expected,
                got=broken.got,
                environments=(broken.environment,),
                cases=cases[:1],
            )


def _too_many(view: RunView, observation: Observation) -> Iterator[Breach]:
    """More connections at one moment than the server takes: whoever came last was refused."""
    environment = view.project.environments.get(observation.case.environment)
    if environment is None:
        return
    for name, most in observation.most_connections.items():
        dependency = environment.dependencies.get(name)
        room = room_of(name, dependency) if dependency is not None else None
        if room is None or most <= room.most:
            continue
        replicas = environment.platform.replicas
        seen = f"{environment.name}: {most} connections at the same time from {replicas} replica{'s' * (replicas > 1)}"
        yield Breach(
            where=f"connections to {name}",
            expected=f"at most {room.said}",
            got="more at the same time",
            component=name,
            nature="too many",
            evidence=(Note(seen),),
        )


RULES: tuple[Rule, ...] = (
    contract(
        "EP522",
        "more connections than the server takes",
        Conduct("conversation", causes="hybrids", of_all_played=True),
        means="""
            The proxy in front of a dependency counted more connections at the same time, of all replicas together, than
            the environment's file says that the server takes: of a PostgreSQL, those that it keeps for superusers
            (superuser_reserved_connections, 3) left out.
        """,
        matters="Whoever comes last is refused: a replica that starts, a client under load, a migration.",
        action="Make pools smaller, so that pools times replicas fit, or let the server take more.",
        example="""
            connections to postgres: expected at most 17 of dependencies.postgres.max_connections = 20
            staging: 26 connections at the same time from 2 replicas
        """,
        check=_too_many,
    ),
    parity(
        "EP221",
        "limits that cannot both hold",
        Conduct("settings", replay="run", confirm="nothing"),
        means="""
            A setting that the backend's file names under [limits] does not fit what the environment's platform, ingress
            or dependency allows: a grace period that the platform does not wait for, pools that together want more
            connections than the server has, a heartbeat that comes after the ingress has cut the connection.
        """,
        matters="""
            Nothing shows it until the limit is met: at the first deployment, under the first load, in the first quiet
            minute.
        """,
        action="Change the one or the other; `envparity check` says it without a boot.",
        example="SHUTDOWN_GRACE_S: less than platform.stop_grace_s = 10, got SHUTDOWN_GRACE_S = 30",
        check=_broken,
    ),
)
