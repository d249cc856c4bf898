"""The settings of a service of a compose file, and texts of which nobody here knows a part."""

from __future__ import annotations

from envparity.sources.building import Building
from envparity.sources.compose_files import ComposeProject, Missing, as_map
from envparity.sources.dotenv import Dotenv
from envparity.sources.yaml_nodes import Node, wrong

__all__ = ["known_text", "service_settings"]


def service_settings(made: Building, service: Node, found: ComposeProject) -> None:
    """Those of its files of variables, and over them its own; what nobody here knows is noted."""
    files = service.at("env_file")
    for entry in files.items if files is not None else []:
        named = entry.text if entry.text is not None else entry.text_at("path")
        if isinstance(named, Missing):
            made.unknown(f"env_file {named}", f"made of {_variables(named)}", entry.place)
            continue
        read = entry.path.parent / (named or "")
        if not read.is_file():
            if entry.text_at("required") != "false":
                got = f"{named}, which is none"
                examples = [f"{read.name}.{ending}" for ending in ("example", "sample", "template", "dist")]
                example = next((name for name in examples if (read.parent / name).is_file()), "")
                action = f"copy {example} to it" if example else "paths are relative to the file that names it"
                raise wrong(entry, "env_file", "a file", got, action)
            made.unknown(f"env_file {named}", "not here", entry.place)
            continue
        said = Dotenv().read(read, "")
        for name, value in said.settings.items():
            made.setting(name, value, (read, said.lines[name]))
    environment = service.at("environment")
    for name, node in as_map(environment).table.items() if environment is not None else ():
        text = found.variables.get(name) if node.value is None else node.text
        if isinstance(text, Missing):
            made.unknown(f"settings.{name}", f"made of {_variables(text)}, of who deploys", node.place, text.marked)
        elif text is not None:
            made.setting(name, text, node.place)
        elif node.value is None:
            made.unknown(f"settings.{name}", "the variable of that name, of who deploys", node.place)


def _variables(text: Missing) -> str:
    return ", ".join(text.variables)


def known_text(made: Building, key: str, node: Node | None) -> str | None:
    """The text of that value; of one that is made of what nobody knows a note."""
    text = node.text if node is not None else None
    if node is not None and isinstance(text, Missing):
        made.unknown(key, f"made of {_variables(text)}, of who deploys", node.place)
        return None
    return text
