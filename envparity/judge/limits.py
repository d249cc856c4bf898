"""EP221: what the files alone say of limits that cannot both hold."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.config.limits import broken_limits
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, parity
from envparity.judge.view import RunView

__all__ = ["RULES"]


def _broken(view: RunView) -> Iterator[Breach]:
    for broken in broken_limits(view.subject.backend, view.subject.environments):
        cases = tuple(one.case.id for one in view.observations if one.case.environment == broken.environment)
        if cases:
            yield Breach(
                where=broken.setting,
                expected=broken.expected,
                got=broken.got,
                environments=(broken.environment,),
                cases=cases[:1],
            )


RULES: tuple[Rule, ...] = (
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
