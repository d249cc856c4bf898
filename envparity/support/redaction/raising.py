"""Errors without the secrets of what they were raised in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envparity.support.redaction import Redaction

__all__ = ["raised_without_secrets"]


@contextmanager
def raised_without_secrets(redaction: Callable[[], Redaction]) -> Iterator[None]:
    """Take the secrets out of whatever is raised in here, and of what it was raised from; `redaction` is asked then."""
    try:
        yield
    except Exception as error:
        known = redaction()
        for told in _with_causes(error):
            told.args = known.plain(told.args)
            if notes := getattr(told, "__notes__", None):
                notes[:] = known.plain(notes)
        raise


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting += [cause for cause in (item.__cause__, item.__context__) if cause is not None]
        if isinstance(item, BaseExceptionGroup):
            waiting += item.exceptions
