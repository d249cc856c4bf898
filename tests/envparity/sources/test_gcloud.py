"""`gcloud run deploy` in workflows: what its flags say, each with the line of the command, and what they leave open."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.model.environment import ImageSource
from envparity.sources.gcloud import SOURCE, deployed_services
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


STEP = """\
env:
  SERVICE: api
jobs:
  deploy:
    env: {REGISTRY: europe-docker.pkg.dev/team}
    steps:
      - uses: google-github-actions/auth@v2
      - id: deploy
        uses: google-github-actions/deploy-cloudrun@v2
        with:
          service: ${{ env.SERVICE }}
          image: ${{ env.REGISTRY }}/api:7
          timeout: 10m5s
          suffix: v7
          region: europe-west1
          env_vars_file: deploy/base.env
          env_vars: |-
            LOG=json
            ORIGINS=https://a.example\\,https://b.example
            PRICE=$5, MODE=fast
            TOKEN=${{ secrets.TOKEN }}
          secrets: |-
            # of the secret manager
            JWT_SECRET=jwt:latest
            /etc/key/pem=pem:3
          flags: |-
            --memory=512Mi --cpu 2 --session-affinity
            --min-instances=3 "--args=serve,--fast"
  worker:
    steps:
      - uses: google-github-actions/deploy-cloudrun@v2
        with: {service: projects/p/locations/l/services/worker, image: worker, env_vars: "{}"}
      - uses: google-github-actions/deploy-cloudrun@v2
        with: {job: nightly, image: worker}
"""


def test_the_inputs_of_the_action(tmp_path: Path) -> None:
    """Each variable at its line, with the workflow's own `env` in it, secrets by name alone; a job is no service."""
    workflow = ".github/workflows/release.yml"
    put(tmp_path, workflow, STEP)
    put(tmp_path, "deploy/base.env", "LOG=text\nREGION=eu\n")
    made = environment(tmp_path, f"{workflow}#api")
    origins = "https://a.example,https://b.example"
    assert made.settings == {"LOG": "json", "REGION": "eu", "ORIGINS": origins, "PRICE": "$5", "MODE": "fast"}
    assert made.image == ImageSource(name="europe-docker.pkg.dev/team/api:7")
    platform = made.platform
    assert (platform.memory_mib, platform.cpus, platform.replicas, platform.port) == (512, 2.0, 3, 8080)
    assert (made.ingress.max_lifetime_s, made.ingress.affinity, made.ingress.tls) == (605.0, "cookie", True)
    assert made.arguments == ("serve", "--fast")
    unknown = notes(made, known=False)
    assert set(unknown) == {"settings.TOKEN", "settings.JWT_SECRET", "files./etc/key/pem", "ingress host"}
    assert "jwt" in unknown["settings.JWT_SECRET"]
    assert notes(made, known=True) == {"suffix": "v7", "region": "europe-west1"}
    places = ("settings.LOG", "settings.MODE", "settings.REGION", "platform.memory_mib", "platform.replicas")
    assert [place(made, key) for key in places] == [
        *("release.yml:18", "release.yml:20", "base.env:2", "release.yml:27", "release.yml:28"),
    ]
    assert environment(tmp_path, f"{workflow}#worker").settings == {}
    assert deployed_services(tmp_path / workflow) == ("api", "worker")


SERVICE = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: chat}
spec:
  template:
    spec:
      timeoutSeconds: 900
      containers:
        - {image: chat, env: [{name: LOG, value: json}]}
"""


def test_a_service_that_is_described_by_a_file_of_its_own(tmp_path: Path) -> None:
    """What stands there is deployed, and nothing that is said beside it; a file that is not here is told."""
    workflow = ".github/workflows/deploy.yml"
    inputs = "{metadata: run/chat.yaml, image: other, env_vars: 'LOG=text'}"
    step = f"{{uses: google-github-actions/deploy-cloudrun@v3, with: {inputs}}}"
    put(tmp_path, workflow, f"jobs: {{a: {{steps: [{step}]}}}}\n")
    assert "metadata run/chat.yaml" in notes(environment(tmp_path, workflow), known=False)
    put(tmp_path, "run/chat.yaml", SERVICE)
    made = environment(tmp_path, f"{workflow}#chat")
    assert (made.settings, made.ingress.max_lifetime_s) == ({"LOG": "json"}, 900.0)
    assert place(made, "settings.LOG") == "chat.yaml:9"
    assert {"image", "env-vars"} <= set(notes(made, known=True))


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('{"A": "1"}\n', {"A": "1"}),
        ("A: '1'\nURL: a=b\n", {"A": "1", "URL": "a=b"}),
        ("A=1\nB=a\\,b\n", {"A": "1", "B": "a,b"}),
    ],
)
def test_a_file_of_variables_is_json_yaml_or_lines(tmp_path: Path, text: str, settings: dict[str, str]) -> None:
    """As the action tells them apart."""
    step = "{uses: google-github-actions/deploy-cloudrun@v2, with: {service: a, env_vars_file: vars}}"
    put(tmp_path, ".github/workflows/deploy.yml", f"jobs: {{a: {{steps: [{step}]}}}}\n")
    put(tmp_path, "vars", text)
    assert environment(tmp_path, ".github/workflows/deploy.yml").settings == settings


def test_a_flag_of_the_action_that_is_no_word_is_a_mistake(tmp_path: Path) -> None:
    """At the line of the flags."""
    step = "uses: google-github-actions/deploy-cloudrun@v2\nwith:\n  service: a\n  flags: '--args=\"x'\n"
    put(tmp_path, ".github/workflows/deploy.yml", step)
    (mistake,) = mistakes(tmp_path, ".github/workflows/deploy.yml")
    assert (mistake.line, mistake.key) == (4, "flags")


def test_the_workflow_s_own_variables_name_the_service_of_a_command(tmp_path: Path) -> None:
    """As far as they are said there."""
    run = "gcloud run deploy ${{ env.SERVICE }} --image ${{ env.IMAGE }}"
    put(tmp_path, "cloudbuild.yaml", f"env: {{SERVICE: api}}\njobs: [{{run: '{run}'}}]\n")
    assert deployed_services(tmp_path / "cloudbuild.yaml") == ("api",)
    assert "image" in notes(environment(tmp_path, "cloudbuild.yaml#api"), known=False)
