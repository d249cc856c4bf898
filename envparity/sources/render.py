"""`render.yaml`: a service of a blueprint of Render, its databases and groups of variables; and its previews."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from envparity.sources.building import Building, dependency_name
from envparity.sources.images import plain_words, put_built, put_image_name, put_words
from envparity.sources.render_previews import PREVIEW, has_previews, preview_of
from envparity.sources.rest import list_rest
from envparity.sources.servers import keys_of_container, kind_of_image
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, documents, wrong

__all__ = ["SOURCE", "Render", "makes_previews"]

_DATABASE, _KEY_VALUE = "postgres:16", "valkey:8"  # what Render's own servers are
_PROPERTIES: Final = {
    "connectionString": "url", "host": "host", "port": "port", "user": "user", "password": "password",
    "database": "database",
}  # fmt: skip
_WEB = frozenset({"web", "pserv"})
_LISTED: Final = {
    "healthCheckPath": "health", "startCommand": "command", "plan": "plan", "region": "region",
}  # fmt: skip
_READ: Final = frozenset(
    (
        *_LISTED,
        *(
            "dockerCommand",
            "dockerContext",
            "dockerfilePath",
            "domains",
            "env",
            "envVars",
            "image",
            "name",
            "numInstances",
            "scaling",
        ),
        *(
            "maxShutdownDelaySeconds",
            "preDeployCommand",
            "runtime",
            "type",
            "autoDeploy",
            "autoDeployTrigger",
            "branch",
        ),
        *(
            "buildFilter",
            "domain",
            "previewPlan",
            "previews",
            "pullRequestPreviewsEnabled",
            "registryCredential",
            "repo",
        ),
    )
)
_PORT, _GRACE_S, _SECRET = 10000, 30.0, 32


class Render(Source):
    """`render.yaml#api`: the service `api`; left out: the only one of type web. `#api/preview`: as its previews are."""

    def reads(self, path: Path) -> bool:
        return path.name in {"render.yaml", "render.yml"}

    def read(self, path: Path, part: str) -> Said:
        whole = next(iter(documents(path)), Node({}, path, 1))
        made = Building()
        part, of_preview, kind = part.partition("/")
        if of_preview and kind != PREVIEW:
            raise wrong(whole, "services", f"#SERVICE or #SERVICE/{PREVIEW}", f"#{part}/{kind}")
        if of_preview:
            preview = preview_of(whole)
            whole = preview.whole
            for variable in preview.left:
                made.not_taken(f"settings.{variable.text_at('key')}", "typed in for production alone", variable.place)
        listed = whole.at("services")
        services = [each for each in (listed.items if listed is not None else []) if each.table]
        web = [each for each in services if each.text_at("name") == part or (not part and each.text_at("type") in _WEB)]
        if len(web) != 1:
            known = ", ".join(each.text_at("name") or "" for each in services) or "none"
            raise wrong(whole, "services", f"#SERVICE, one of {known}", f"{len(web)} that are meant")
        databases = whole.at("databases")
        for each in databases.items if databases is not None else []:
            _server(made, each, _DATABASE)
        for each in services:
            if each.text_at("type") == "keyvalue" or kind_of_image(each.text_at("type") or "") is not None:
                _server(made, each, _KEY_VALUE)
            elif each is not web[0]:
                made.not_taken(f"services.{each.text_at('name')}", f"a {each.text_at('type')} beside it", each.place)
        _service(made, web[0], whole)
        return made.said()


def makes_previews(path: Path) -> bool:
    """Whether a blueprint makes previews. Raises `ConfigurationError` and `OSError`."""
    return any(has_previews(whole) for whole in documents(path))


def _server(made: Building, node: Node, image: str) -> None:
    kind = kind_of_image(image)
    if kind is not None:
        made.dependency(node.text_at("name") or kind, keys_of_container(kind, "", ()), node.place)


def _service(made: Building, service: Node, whole: Node) -> None:
    made.put(("platform", "port"), _PORT, service.place)
    made.put(("platform", "stop_grace_s"), _GRACE_S, service.place)
    if service.text_at("type") != "pserv":
        _ingress(made, service)
    _variables(made, service.at("envVars"), whole)
    for key, field in (
        ("numInstances", ("platform", "replicas")),
        ("maxShutdownDelaySeconds", ("platform", "stop_grace_s")),
    ):
        node = service.at(key)
        if node is not None and (node.text or "").isdecimal():
            made.put(field, int(node.text or ""), node.place)
    least, most = service.at("scaling", "minInstances"), service.at("scaling", "maxInstances")
    if least is not None and (least.text or "").isdecimal():
        made.put(("platform", "replicas"), int(least.text or ""), least.place)
    if most is not None:
        made.not_taken("replicas at most", most.text or "", most.place)
    _image(made, service)
    for key, name in _LISTED.items():
        node = service.at(key)
        if node is not None:
            made.not_taken(name, node.text or "", node.place)
    list_rest(made, service, _READ)


def _ingress(made: Building, service: Node) -> None:
    made.put(("ingress", "kind"), "nginx", service.place)
    made.put(("ingress", "tls"), value=True, place=service.place)
    made.unknown("ingress limits", "those of Render", service.place)
    domains = service.at("domains")
    if domains is not None and domains.items:
        made.put(("ingress", "host"), domains.items[0].text, domains.items[0].place)
    else:
        made.unknown("ingress host", "the name that Render gives", service.place)


def _image(made: Building, service: Node) -> None:
    """What it runs, and what before it; where Render builds without a Dockerfile, nothing of it is known here."""
    image, dockerfile = service.at("image", "url"), service.at("dockerfilePath")
    if image is not None:
        put_image_name(made, image.text or "", image.place)
    elif dockerfile is not None or "docker" in {service.text_at("runtime"), service.text_at("env")}:
        context = service.text_at("dockerContext") or "."
        file = (dockerfile.text if dockerfile is not None else None) or "Dockerfile"
        folder = service.path.parent
        named = os.path.relpath(folder / file, folder / context)  # Render has both relative to the repository
        put_built(made, folder, (dockerfile or service).place, context=context, dockerfile=named, target=None)
    command = service.at("dockerCommand")
    if command is not None:
        put_words(made, "arguments", plain_words(command.text or ""), command.place, command.text or "")
    before = service.at("preDeployCommand")
    if before is not None and not made.job("release", plain_words(before.text or "") or [], before.place):
        made.not_taken("jobs.release", before.text or "", before.place)


def _variables(made: Building, listed: Node | None, whole: Node) -> None:
    variables = listed.items if listed is not None else []  # what it says itself goes over its groups
    for variable in sorted(variables, key=lambda each_variable: each_variable.text_at("fromGroup") is None):
        group, name = variable.text_at("fromGroup"), variable.text_at("key")
        if group is not None:
            groups = whole.at("envVarGroups")
            found = [each for each in (groups.items if groups is not None else []) if each.text_at("name") == group]
            if found:
                _variables(made, found[0].at("envVars"), whole)
            else:
                made.unknown(f"group {group}", "every variable of it is a setting", variable.place)
        elif name is not None:
            _variable(made, name, variable)


def _variable(made: Building, name: str, variable: Node) -> None:
    value = variable.at("value")
    source = variable.at("fromDatabase") or variable.at("fromService")
    if value is not None:
        made.setting(name, value.text or "", value.place)
    elif variable.text_at("generateValue") == "true":
        made.put(("settings", name), {"secret": _SECRET}, variable.place)
    elif source is not None:
        server, what = dependency_name(source.text_at("name") or ""), _PROPERTIES.get(source.text_at("property") or "")
        if what is not None and made.has_dependency(server):
            made.put(("settings", name), {"from": f"{server}.{what}"}, variable.place)
        else:
            made.unknown(f"settings.{name}", f"of {source.text_at('name')}", variable.place)
    else:
        made.unknown(f"settings.{name}", "what is typed into Render's dashboard", variable.place)


SOURCE = Render()
