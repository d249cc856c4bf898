"""Whose fault it is that a build ended: the Dockerfile's, or the machine's that reaches no registry."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.launch.images.build import build
from envparity.launch.images.log import BuildFailed, ImageError

AWAY = 'Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'


def built(*events: dict[str, str]) -> ImageError:
    """How a build ends of which the engine says that."""

    def say(**_options: Any) -> Iterator[dict[str, str]]:
        yield from events

    client = SimpleNamespace(api=SimpleNamespace(build=say))
    with pytest.raises(ImageError) as caught:
        build(cast("Any", client), "backend", "envparity/backend:1", "FROM python:3.11\nRUN make\n", [])
    return caught.value


def test_a_base_that_no_registry_can_give_is_the_machines_matter() -> None:
    """Exit code 3, with the image that is missing, and how to go on without one."""
    error = built({"stream": "Step 1/2 : FROM python:3.11\n"}, {"error": AWAY})
    assert not isinstance(error, BuildFailed)
    assert "python:3.11" in error.problem
    assert "--launcher process" in error.problem


@pytest.mark.parametrize(
    "events",
    [
        ({"stream": "Step 1/2 : FROM python:3.11\n"}, {"error": "manifest for python:3.11 not found"}),
        ({"stream": "Step 1/2 : FROM python:3.11\n"}, {"stream": "Step 2/2 : RUN make\n"}, {"error": AWAY}),
        ({"error": "dockerfile parse error"},),
    ],
    ids=["no such image", "a later step", "no step"],
)
def test_any_other_end_is_the_dockerfiles(events: tuple[dict[str, str], ...]) -> None:
    assert isinstance(built(*events), BuildFailed)
