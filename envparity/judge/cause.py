"""Why a finding shows where it shows, as data, and how that was searched for. The words are the writers'."""

from __future__ import annotations

from typing import Literal

import msgspec

from envparity.model.case import ReleaseChange

__all__ = [
    "Cause",
    "CausePlace",
    "Chance",
    "CommitCause",
    "Everywhere",
    "FieldCause",
    "NotFound",
    "OrderCause",
    "Otherwise",
    "PlayCount",
    "ReleaseCause",
    "Search",
    "StepPair",
    "TraitsCause",
    "WhyNotFound",
]


class Search(msgspec.Struct, frozen=True):
    """What a search between two environments cost: boots to find and to verify, forks among them, boots shared.

    `traits` is in how many the two differ. `heals` says that more differences made it pass in some of the boots;
    `not_stood_up` counts hybrids that could not be stood up, `no_answer` those that failed otherwise or earlier.
    `needless` boots were begun ahead, beside those, and not needed.
    """

    passing: str
    failing: str
    traits: int
    boots: int = 0
    verifying: int = 0
    warm: int = 0
    shared: int = 0
    heals: bool = False
    not_stood_up: int = 0
    no_answer: int = 0
    needless: int = 0


class CausePlace(msgspec.Struct, frozen=True, order=True):
    """Where a part of a cause stands: the environment that says it, its key there, the file, and the line (0: all)."""

    environment: str
    key: str
    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class FieldCause(msgspec.Struct, frozen=True):
    """What makes these paths of a finding differ, beside the one that it prints: `alternatives` as of the cause."""

    paths: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...]
    places: tuple[CausePlace, ...] = ()


class TraitsCause(msgspec.Struct, frozen=True, tag="traits"):
    """Each of the `alternatives` is enough by itself; the traits of one are all needed, in the words of the files.

    With one of them added to the passing environment it was shown `shown` times; without all it passed. `others` are
    paths of the finding that did not differ with any of them: those have causes of their own, of which `fields` are
    those that were found. `places` are where the traits stand in the files of the deployment, as far as that is known.
    """

    alternatives: tuple[tuple[str, ...], ...]
    shown: int = 2
    search: Search | None = None
    others: tuple[str, ...] = ()
    places: tuple[CausePlace, ...] = ()
    fields: tuple[FieldCause, ...] = ()


class StepPair(msgspec.Struct, frozen=True, order=True):
    """Two steps of startup in this sequence."""

    first: str
    then: str


class OrderCause(msgspec.Struct, frozen=True, tag="order"):
    """It fails whenever these pairs of steps run in this sequence; not `minimal`: others may matter too.

    `pairs` are all that stood otherwise than in the canonical order, in the failing one, after `boots` boots.
    """

    decisive: tuple[StepPair, ...]
    minimal: bool = True
    pairs: tuple[StepPair, ...] = ()
    boots: int = 0


class CommitCause(msgspec.Struct, frozen=True, tag="commit"):
    """A commit made it; several where those between cannot be run."""

    commits: tuple[str, ...]


class ReleaseCause(msgspec.Struct, frozen=True, tag="release"):
    """It shows only where the release is changed, in these ways. `alone`: this release by itself does not show it, nor
    did the previous one before the change (`before`); where one did, the change is not all that there is to it.
    """

    changes: tuple[ReleaseChange, ...]
    before: bool
    alone: bool


class Everywhere(msgspec.Struct, frozen=True, tag="everywhere"):
    """It shows in all of several environments: it is in the backend, and no environment hides it."""


class PlayCount(msgspec.Struct, frozen=True):
    """It shows in `shown` of `of` plays of several boots."""

    shown: int
    of: int


class Chance(msgspec.Struct, frozen=True, tag="chance"):
    """It shows in `shown` of `of` boots, or of the plays in one boot.

    `changed_by` are the traits that change that rate, if any are known to.
    In the environment that passed, or shows it least, it shows in `elsewhere` of `of_elsewhere`. `rates` is what a test
    of bounded error says of the two. Where it shows there too, and not at a rate that is known to differ, the two
    environments are alike in it; so they are where it did not show again in either, or here alone and in one boot of
    sixteen at most. Where it never shows there, and here more often than that, yet too seldom to tell, nobody knows;
    that counts as a difference. What made somebody count is in neither number: not the boot because of which they were
    made. `again`: every environment has shown it in some of its plays, and so did one boot more. `plays` and
    `plays_elsewhere` are the plays of those boots, where that is known and any of them had more than one.
    """

    shown: int
    of: int
    changed_by: tuple[str, ...] = ()
    elsewhere: int = 0
    of_elsewhere: int = 0
    rates: Literal["differ", "same", "cannot say"] = "cannot say"
    failing: str = ""
    passing: str = ""
    noun: Literal["boots", "plays"] = "boots"
    again: bool = False
    plays: PlayCount | None = None
    plays_elsewhere: PlayCount | None = None

    @property
    def alike(self) -> bool:
        """Whether both environments were seen to show it, or neither again, and not so that one does so more often."""
        not_again = self.of > 0 and self.shown == 0
        hardly_again = self.shown == 1 and min(self.of, self.of_elsewhere) >= ONCE_IN
        return self.rates != "differ" and (self.elsewhere > 0 or not_again or hardly_again)


ONCE_IN = 16
"""What shows once in so many boots or more is no more than chance, where nothing says that it is.

What shows in every fourth boot is overlooked so in 6 of 100 rows of 16. It is told all the same, and makes nothing red.
"""

WhyNotFound = Literal[
    "attached",  # nothing is booted where one may only look
    "out of time",  # the time for all searches was over before this one began
    "orders out of time",  # the time for all orders was over before this one was shrunk
    "only beside others",  # booted with its scenario alone it did not show; with all that was played beside it, it did
    "passing shows it",  # booted once more, the passing environment shows it too
    "not always",  # a cause was found that shows it in one boot and not in the next
    "cannot say",  # it shows with these; whether it passes without them, no boot could tell
    "not taken apart",  # it shows with these and passes without them; whether it needs each one, no boot could tell
    "nothing passes",  # where it does not show, something else is in its way
    "not all of it",  # without the cause the failing environment still shows it
    "out of boots",  # among these, after as many boots as one finding may cost
]


class Otherwise(msgspec.Struct, frozen=True):
    """What is in the way where these traits are there without others: of which rule, and where; `code` is empty where
    their boot did not come as far for another reason."""

    traits: tuple[str, ...]
    code: str = ""
    where: str = ""


class NotFound(msgspec.Struct, frozen=True, tag="not found"):
    """No cause was found, and why. `among` are the traits, or the alternatives, that are left.

    `otherwise` is how parts of these have failed, where that is why they could not be taken apart.
    """

    why: WhyNotFound
    among: tuple[tuple[str, ...], ...] = ()
    environments: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    seconds: float = 0.0
    boots: int = 0
    search: Search | None = None
    otherwise: tuple[Otherwise, ...] = ()


Cause = TraitsCause | OrderCause | CommitCause | ReleaseCause | Everywhere | Chance | NotFound
