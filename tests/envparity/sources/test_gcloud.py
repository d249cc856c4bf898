"""`gcloud run deploy` in workflows: what its flags say, each with the line of the command, and what they leave open."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import ImageSource
from envparity.sources.gcloud import SOURCE
from tests.envparity.sources.reading import environment, mistakes, notes, place

ACTIONS = """\
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: google-github-actions/auth@v2
      - run: |
          echo "deploying; not done yet"
          gcloud run deploy api \\
            --image api:4 \\
            --set-env-vars "LOG=json,REGION=${{ vars.REGION }}" --set-secrets=JWT_SECRET=jwt:latest \\
            --memory 512Mi --cpu=1 --timeout 3600 --min-instances 2 --port 9000 \\
            --session-affinity --allow-unauthenticated --args=serve,--fast
      - run: gcloud run deploy worker --image worker:4
"""
BUILD = """\
steps:
  - name: gcr.io/google.com/cloudsdktool/cloud-sdk
    entrypoint: gcloud
    args: [run, deploy, api, "--image=api:$SHORT_SHA", "--update-env-vars=^;^LIST=a,b;LOG=json"]
"""


def put(folder: Path, path: str, text: str) -> None:
    """Write a file where such a tool looks for it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def test_the_flags_of_a_step(tmp_path: Path) -> None:
    """Over lines, with expressions, secrets by name alone; the other command is another service's."""
    put(tmp_path, ".github/workflows/deploy.yml", ACTIONS)
    made = environment(tmp_path, ".github/workflows/deploy.yml#api")
    assert made.settings == {"LOG": "json"}
    platform = made.platform
    assert (platform.memory_mib, platform.cpus, platform.replicas, platform.port) == (512, 1.0, 2, 9000)
    assert (made.ingress.max_lifetime_s, made.ingress.affinity, made.ingress.tls) == (3600.0, "cookie", True)
    assert (made.image, made.arguments) == (ImageSource(name="api:4"), ("serve", "--fast"))
    assert set(notes(made, known=False)) == {"settings.JWT_SECRET", "settings.REGION", "ingress host"}
    assert set(notes(made, known=True)) == {"allow-unauthenticated"}
    assert place(made, "settings.LOG") == "deploy.yml:9"


def test_the_arguments_of_cloud_build(tmp_path: Path) -> None:
    """As a list; what is made of a substitution is known to who builds."""
    put(tmp_path, "cloudbuild.yaml", BUILD)
    made = environment(tmp_path, "cloudbuild.yaml")
    assert made.settings == {"LIST": "a,b", "LOG": "json"}
    assert (made.image, made.platform.port, made.platform.stop_grace_s) == (None, 8080, 10.0)
    assert set(notes(made, known=False)) == {"image", "ingress host"}


@pytest.mark.parametrize(
    ("text", "part"),
    [(ACTIONS, ""), (ACTIONS, "#none"), ("jobs: {}\n", ""), ("run: gcloud run deploy a --memory much\n", "")],
)
def test_what_is_not_one_command_is_a_mistake(tmp_path: Path, text: str, part: str) -> None:
    """Two, none, none of that name, and an amount that is none."""
    put(tmp_path, "cloudbuild.yaml", text)
    assert len(mistakes(tmp_path, f"cloudbuild.yaml{part}")) == 1


def test_names_of_files() -> None:
    """As the two tools have them."""
    names = (".github/workflows/ci.yml", "cloudbuild.yaml", "deploy.yaml", "compose.yaml")
    assert [name for name in names if SOURCE.reads(Path(name))] == list(names[:2])


FLAGS = """\
jobs: {a: {steps: [{run: "gcloud run deploy api --set-env-vars A=1,B=2 --set-env-vars B=3 --env-vars-file more.yaml
 --set-secrets JWT=jwt:1,/etc/key=key:1"}]}}
"""


def test_a_flag_that_is_said_twice_says_both_and_a_file_of_variables_is_read(tmp_path: Path) -> None:
    """The later over the earlier, each where it stands; a secret that is mounted is a file, and no setting."""
    put(tmp_path, ".github/workflows/deploy.yml", FLAGS)
    told = notes(environment(tmp_path, ".github/workflows/deploy.yml"), known=False)
    assert {"env-vars-file more.yaml", "settings.JWT", "files./etc/key"} <= set(told)
    put(tmp_path, "more.yaml", "C: '4'\nD: five\n")
    made = environment(tmp_path, ".github/workflows/deploy.yml")
    assert made.settings == {"A": "1", "B": "3", "C": "4", "D": "five"}
    assert place(made, "settings.D") == "more.yaml:2"
