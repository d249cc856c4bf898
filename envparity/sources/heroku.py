"""Heroku's `app.json` and the `Procfile` beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from envparity.errors import ConfigurationError, Mistake
from envparity.sources.building import Building
from envparity.sources.images import plain_words
from envparity.sources.rest import list_rest
from envparity.sources.servers import keys_of_container, kind_of_image
from envparity.sources.source import Said, Source
from envparity.sources.yaml_nodes import Node, documents
from envparity.support.toml.bounds import bounded_content
from envparity.support.toml.document import shown_path

__all__ = ["SOURCE", "Heroku"]

_ADDONS: Final = {
    line.split()[0]: line.split()[1:]
    for line in """\
heroku-postgresql postgres:16 DATABASE_URL require
heroku-redis redis:7 REDIS_URL require
heroku-key-value redis:7 REDIS_URL require
rediscloud redis:7 REDISCLOUD_URL off
cloudamqp rabbitmq:3 CLOUDAMQP_URL require
jawsdb-maria mariadb:10 JAWSDB_MARIA_URL off
""".splitlines()
}
"""The image that an addon is, its setting, and whether it is reached by TLS."""
_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)")
_READ = frozenset(
    (
        *(
            "addons",
            "env",
            "formation",
            "scripts",
            "description",
            "keywords",
            "logo",
            "name",
            "repository",
            "success_url",
        ),
        *("website", "$schema"),
    )
)
_GRACE_S, _SECRET = 30.0, 32


class Heroku(Source):
    """Its variables, addons and formation; what `heroku config` holds beside that stands nowhere."""

    def reads(self, path: Path) -> bool:
        return path.name in {"app.json", "Procfile"}

    def read(self, path: Path, part: str) -> Said:
        if part:
            raise ConfigurationError(
                [Mistake(shown_path(path), 0, "(file)", "no part of it to be asked for", f"#{part}")]
            )
        made = Building()
        if path.name == "app.json":
            _app(made, next(iter(documents(path)), Node({}, path, 1)))
        procfile = path.parent / "Procfile"
        if path.name == "Procfile" or procfile.is_file():
            _procfile(made, procfile)
        place = path, 1
        made.put(("ingress", "kind"), "nginx", place)
        made.put(("ingress", "preset"), "heroku", place)
        made.put(("ingress", "tls"), value=True, place=place)
        made.put(("platform", "stop_grace_s"), _GRACE_S, place)
        made.unknown("ingress host", "the name that Heroku gives, or that is mapped to it", place)
        made.unknown("config", "the settings that heroku config holds beside these", place)
        return made.said()


def _app(made: Building, app: Node) -> None:
    addons = app.at("addons")
    for addon in addons.items if addons is not None else []:
        plan = addon.text if addon.text is not None else addon.text_at("plan") or ""
        known = _ADDONS.get(plan.partition(":")[0])
        kind = kind_of_image(known[0]) if known is not None else None
        if known is None or kind is None:
            made.not_taken(f"addons.{plan}", "a service that no kind is", addon.place)
            continue
        table = {**keys_of_container(kind, "requirepass", ()), "tls": known[2]}
        server = made.dependency(kind, table, addon.place)
        attached = addon.text_at("as")
        setting = f"{attached}_URL" if attached else known[1]
        made.put(("settings", setting), {"from": f"{server}.url"}, addon.place)
    variables = app.at("env")
    for name, node in variables.table.items() if variables is not None else ():
        value = node.text if node.text is not None else node.text_at("value")
        if node.text_at("generator") == "secret":
            made.put(("settings", name), {"secret": _SECRET}, node.place)
        elif value is not None:
            made.setting(name, value, node.place)
        elif node.text_at("required") != "false":
            made.unknown(f"settings.{name}", "what heroku config holds", node.place)
    quantity = app.at("formation", "web", "quantity")
    if quantity is not None and (quantity.text or "").isdecimal():
        made.put(("platform", "replicas"), int(quantity.text or ""), quantity.place)
    list_rest(made, app, _READ)
    for name, dynos in (app.at("formation") or Node({}, app.path, app.line)).table.items():
        list_rest(made, dynos, {"quantity"}, f"formation.{name}.")
    script = app.at("scripts", "postdeploy")
    if script is not None:
        made.not_taken("jobs.postdeploy", f"a job after the first deployment: {script.text}", script.place)


def _procfile(made: Building, path: Path) -> None:
    content, mistakes = bounded_content(path) or b"", []
    for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
        found = _LINE.fullmatch(line.strip())
        if found is None and line.strip() and not line.lstrip().startswith("#"):
            mistakes.append(Mistake(shown_path(path), number, "(line)", "NAME: COMMAND", "something else"))
        elif found is not None:
            name, command = found["name"], found["command"]
            if name == "web":
                made.not_taken("command", command, (path, number))
            elif name == "release":
                if not made.job("release", plain_words(command) or [], (path, number)):
                    made.not_taken("jobs.release", f"a job before the backend: {command}", (path, number))
            else:
                made.not_taken(f"processes.{name}", command, (path, number))
    if mistakes:
        raise ConfigurationError(mistakes)


SOURCE = Heroku()
