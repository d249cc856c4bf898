"""One shard of a run: which cases are its own, and the head of the file that is merged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envparity.cluster.plan import CasesPlan, shares
from envparity.errors import ConfigurationError, Mistake
from envparity.report.saved_project import SavedShard

__all__ = ["MOST_SHARDS", "ShardNumber"]

MOST_SHARDS = 1000
_SAID = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True)
class ShardNumber:
    """Which shard, from 1, of how many."""

    index: int
    of: int

    @classmethod
    def parse(cls, said: str) -> ShardNumber:
        """`2/4`. Raises `ConfigurationError`."""
        found = _SAID.fullmatch(said.strip())
        if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST_SHARDS:
            expected = f"I/N, such as 2/4, of at most {MOST_SHARDS}"
            raise ConfigurationError([Mistake("--shard", 0, "shard", expected, repr(said))])
        return cls(int(found[1]), int(found[2]))

    def of_plan(self, plan: CasesPlan, launcher: str = "auto", image: str = "") -> SavedShard:
        """What of that plan is this shard's, which that launcher was asked to boot, from that image if from one."""
        return SavedShard(
            index=self.index,
            of=self.of,
            plan=plan.plan,
            cases=plan.ids,
            own=shares(plan.cases, self.of)[self.index - 1],
            version=plan.envparity,
            commit=plan.commit,
            files=plan.files,
            only=plan.only,
            repeat=plan.repeat,
            thorough=plan.thorough,
            launcher=launcher,
            image=image,
        )

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"
