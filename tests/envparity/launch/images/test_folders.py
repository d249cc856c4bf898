"""What holds for every folder under docker/: the rules that a reader would otherwise check by eye."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import docker
import pytest

from envparity.launch.images.builder import ImageBuilder, ImageSpec
from envparity.launch.images.folder import default_docker_folder, image_names
from tests.envparity.launch.image_users import user_of_image

DOCKER = default_docker_folder()
BUILT = [name for name in image_names(DOCKER) if name != "base"]
SCRIPTS = sorted(DOCKER.rglob("*.sh"))


def instructions(name: str) -> list[str]:
    """The steps of a Dockerfile, each on one line, without comments."""
    text = (DOCKER / name / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def last_stage(name: str) -> list[str]:
    steps = instructions(name)
    return steps[max(index for index, step in enumerate(steps) if step.startswith("FROM ")) :]


def test_an_image_is_built_from_each_folder() -> None:
    """By a Dockerfile; of the base by a script, for there may be nothing yet to build it from."""
    assert {"backend", "ingress", "relay"} <= {*BUILT}
    assert all((DOCKER / name / "Dockerfile").is_file() for name in BUILT)
    assert (DOCKER / "base" / "bootstrap.sh").is_file()


@pytest.mark.parametrize("name", BUILT)
def test_every_dockerfile_begins_from_debian(name: str) -> None:
    """One path for all: debian:bookworm-slim and nothing from anywhere else, no build argument, nothing downloaded."""
    steps = instructions(name)
    assert re.fullmatch(r"FROM debian:bookworm-slim( AS \w+)?", steps[0])
    stages = {step.split(" AS ")[1] for step in steps if step.startswith("FROM ") and " AS " in step}
    assert {step.split()[1] for step in steps if step.startswith("FROM ")} <= stages | {"debian:bookworm-slim"}
    assert not [step for step in steps if step.startswith(("ARG ", "ADD "))]
    assert not re.search(r"\b(curl|wget)\b|https?://", "\n".join(steps))


@pytest.mark.parametrize("name", BUILT)
def test_every_image_ends_as_a_numeric_user_that_is_not_root(name: str) -> None:
    """And no other image's: what one may read, no other may. The last stage says it."""
    assert [step for step in last_stage(name) if step.startswith("USER ")]
    assert 10_000 < user_of_image(name) < 60_000
    assert [image for image in BUILT if user_of_image(image) == user_of_image(name)] == [name]


@pytest.mark.parametrize("name", BUILT)
def test_every_image_says_how_it_is_stopped_and_started(name: str) -> None:
    """STOPSIGNAL is explicit; commands are in exec form, so that the signal reaches the process itself."""
    steps = last_stage(name)
    assert [step for step in steps if step.startswith("STOPSIGNAL SIG")]
    for step in steps:
        if step.startswith(("CMD", "ENTRYPOINT")):
            assert re.fullmatch(r'(CMD|ENTRYPOINT) \[".*"\]', step)


@pytest.mark.parametrize("name", BUILT)
def test_no_package_lists_stay_in_the_layer_that_fetched_them(name: str) -> None:
    """Where apt-get ran in the last stage or in one that it stands on, its lists went in the same step."""
    discarded = False
    for step in instructions(name):
        if step.startswith("FROM "):
            discarded = step.endswith(" AS packages")
        if "apt-get" in step and not discarded:
            assert re.search(r"rm -rf (\S+ )?/var/lib/apt/lists/\*", step)
            assert "--no-install-recommends" in step


def test_the_backend_file_names_the_files_that_the_builder_takes() -> None:
    """Built by name or by its backend.toml, the reference backend's image is the same one."""
    written = tomllib.loads((DOCKER.parent / "netra_backend" / "backend.toml").read_text(encoding="utf-8"))["image"]
    built: list[ImageSpec] = []

    class Recorder(ImageBuilder):
        def _ensure_spec(self, spec: ImageSpec) -> str:
            built.append(spec)
            return "envparity/backend:recorded"

    # No engine is there, and none is asked.
    Recorder(docker.DockerClient("tcp://127.0.0.1:9", version="1.41"), DOCKER, print).ensure(["backend"])
    assert built[0].include == tuple(written["include"])
    assert (DOCKER.parent / "netra_backend" / written["dockerfile"]).samefile(built[0].dockerfile)
    assert (DOCKER.parent / "netra_backend" / written["context"]).samefile(built[0].context)


def test_the_backend_is_copied_last() -> None:
    """A change to one file of the backend repeats one step of the build."""
    assert instructions("backend")[-1] == "COPY netra_backend /opt/netra/netra_backend"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(DOCKER)))
def test_every_script_is_valid_posix_shell(script: Path) -> None:
    """It parses, stops at the first error and at an unset variable, and takes no shell beyond POSIX."""
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text
    shell = shutil.which("dash") or "/bin/sh"
    subprocess.run([shell, "-n", script], check=True, timeout=300)


@pytest.mark.parametrize(
    ("image", "environment", "complaint"),
    [
        ("postgres", {"POSTGRES_USER": "Robert'); DROP"}, "POSTGRES_USER: expected a lower-case name"),
        ("postgres", {"POSTGRES_USER": "postgres"}, "POSTGRES_USER: this name belongs to PostgreSQL"),
        ("postgres", {"POSTGRES_DB": "a" * 64}, "POSTGRES_DB: expected at most 63 characters, got 64"),
        ("postgres", {"POSTGRES_MAX_CONNECTIONS": "few"}, "POSTGRES_MAX_CONNECTIONS: expected a number, got 'few'"),
        ("postgres", {"POSTGRES_MAX_CONNECTIONS": "4"}, "POSTGRES_MAX_CONNECTIONS: expected at least 5"),
        ("postgres", {"POSTGRES_TLS": "yes"}, "POSTGRES_TLS: expected required, optional or off, got 'yes'"),
        ("redis", {"REDIS_MAXMEMORY_MB": "1g"}, "REDIS_MAXMEMORY_MB: expected a number, got '1g'"),
        ("redis", {"REDIS_PASSWORD": "two words"}, "REDIS_PASSWORD: expected printable ASCII without spaces"),
        ("redis", {"REDIS_TLS": "1"}, "REDIS_TLS: expected required or off, got '1'"),
        ("ingress", {"INGRESS_IDLE_TIMEOUT_S": "0"}, "INGRESS_IDLE_TIMEOUT_S: expected a whole number from 1 to 86400"),
        ("ingress", {"INGRESS_MAX_BODY_BYTES": "1;}"}, "INGRESS_MAX_BODY_BYTES: expected a whole number"),
        ("ingress", {"INGRESS_TLS": "off"}, "INGRESS_UPSTREAMS: expected host:port"),
        ("ingress", {"INGRESS_TLS": "off", "INGRESS_UPSTREAMS": "a;b:1"}, "INGRESS_UPSTREAMS: expected host:port"),
        ("ingress", {"INGRESS_TLS": "off", "INGRESS_UPSTREAMS": "a:99999"}, "INGRESS_UPSTREAMS, port of 'a'"),
    ],
)
def test_an_entrypoint_refuses_a_bad_value_by_name(
    image: str, environment: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    """Nothing that was not checked is written into a server's configuration; the status is 64 (EX_USAGE)."""
    # The folder that it would write to, moved away from the host's own.
    text = (DOCKER / image / "entrypoint.sh").read_text(encoding="utf-8")
    script = tmp_path / "entrypoint.sh"
    script.write_text(re.sub(r"(=|:-)/tmp/", rf"\1{tmp_path}/", text), encoding="utf-8")
    command = {"postgres": "postgres", "redis": "redis-server", "ingress": "nginx"}[image]
    ended = subprocess.run(
        [shutil.which("dash") or "/bin/sh", script, command],
        env={"PATH": "/usr/bin:/bin", "PGDATA": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (64, "")
    assert complaint in ended.stderr
