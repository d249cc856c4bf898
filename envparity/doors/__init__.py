"""One registry for kinds of things: built-in ones, and those that other distributions bring in by entry points."""

from envparity.doors.registry import (
    DISTRIBUTION,
    GROUPS,
    Door,
    InstalledEntry,
    built_in_entries,
    entries_of,
    foreign_entries,
    unforeseen,
    version_of_envparity,
)

__all__ = [
    "DISTRIBUTION",
    "GROUPS",
    "Door",
    "InstalledEntry",
    "built_in_entries",
    "entries_of",
    "foreign_entries",
    "unforeseen",
    "version_of_envparity",
]
