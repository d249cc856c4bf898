"""What environments have of their own beside the backend's file, as `envparity diff` shows it."""

from __future__ import annotations

from pathlib import Path

from envparity.faces.cli.diff_sections import sections
from envparity.model.backend import Backend
from envparity.model.environment import Composed, Environment, ImageSource, Job
from envparity.model.file_template import FileTemplate
from envparity.model.project import Project


def test_images_commands_jobs_files_and_composed_settings_are_shown() -> None:
    """Each that differs; of a file that is made of an equal name that its text is another."""
    image = ImageSource(Path("Dockerfile"), Path(), target="prod")
    here = Environment("a", files={"/x": FileTemplate("x", "1"), "/y": FileTemplate("y", "1")})
    there = Environment(
        "b",
        image=image,
        command=("app", "-w"),
        jobs={"m": Job(("migrate",))},
        files={"/x": FileTemplate("x", "2"), "/y": FileTemplate("y", "1")},
        settings={"URL": Composed("redis://{redis.host}/0")},
    )
    found = sections(Project(Backend("chat", Path("backend.toml")), {"a": here, "b": there}))
    rows = {(section.title, row.name): (row.here, row.there) for section in found for row in section.rows}
    assert rows["backend", "image"] == ("the backend file's", "Dockerfile, stage prod")
    assert rows["backend", "command"] == ("the backend file's", "app -w")
    assert rows["backend", "job m"] == ("none", "migrate (60 s)")
    assert rows["backend", "file /x"] == ("from x", "from x, another text")
    assert ("backend", "file /y") not in rows
    assert rows["settings", "URL"] == ("not set", "composed of redis://{redis.host}/0")
