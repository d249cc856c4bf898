"""What stands in the failing environment where two environments differ, in the words of its file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envparity.isolate.dependency_fields import field_of
from envparity.isolate.ingress_couples import DONE_BY_CONFIG
from envparity.isolate.part import Part
from envparity.model.environment import (
    RESERVED,
    Composed,
    Environment,
    FromSource,
    ImageSource,
    Ingress,
    Setting,
    is_made_secret,
)
from envparity.support.redaction import is_secret

__all__ = ["trait_texts"]


def trait_texts(parts: Sequence[Part], passing: Environment, failing: Environment) -> Iterator[str]:
    """What stands at each of these in the failing environment, but for what its own configuration does instead."""
    instead = Part("ingress", "config") in parts and failing.ingress.config is not None
    for part in parts:
        if not (instead and part.area == "ingress" and part.name in DONE_BY_CONFIG):
            yield _text(part, passing, failing)


def _text(part: Part, passing: Environment, failing: Environment) -> str:  # noqa: PLR0911  one for each area
    """What stands there in the failing environment; of a secret no more than the name."""
    match part.area:
        case "setting":
            return _setting_text(part.name, failing.settings.get(part.name), passing.settings.get(part.name))
        case "platform":
            return _assigned(f"platform.{part.name}", getattr(failing.platform, part.name))
        case "ingress":
            return _ingress_text(failing.ingress, part.name)
        case "file":
            file = failing.files.get(part.name)
            return f"no file {part.name}" if file is None else f"file {part.name} from {file.template}"
        case "job":
            job = failing.jobs.get(part.name)
            again = " and again" if job is not None and job.again else ""
            return f"no job {part.name}" if job is None else f"job {part.name}: {' '.join(job.command)}{again}"
        case "process":
            process = failing.processes.get(part.name)
            return f"no process {part.name}" if process is None else f"process {part.name}: {' '.join(process.command)}"
        case "backend":
            return _backend_text(part.name, passing, failing)
        case "order":
            return _assigned("dependencies_first", failing.dependencies_first)
        case "dependency" if part.field:
            return _option_text(f"{part.name}.{part.field}", field_of(failing.dependencies[part.name], part.field))
        case "dependency":
            return f"dependency {part.name}" if part.name in failing.dependencies else f"no dependency {part.name}"


def _setting_text(name: str, setting: Setting | None, before: Setting | None) -> str:
    if setting is None:
        return f"{name} not set"
    if isinstance(setting, FromSource):
        return f"{name} from {setting.source}"
    if isinstance(setting, Composed) and not is_secret(name, setting.around):
        return _assigned(name, setting.template)
    if not isinstance(setting, str) or is_made_secret(before):
        return name
    if is_secret(name, setting):
        return name
    return _assigned(name, setting)


def _backend_text(name: str, passing: Environment, failing: Environment) -> str:
    if name == "image":
        return _image_text(failing.image, passing.image)
    words = getattr(failing, name)
    own = "the backend's own command" if name == "command" else f"the image's own {name}"
    return f"{name} {' '.join(words)}" if words else own


def _image_text(image: ImageSource | None, before: ImageSource | None) -> str:
    """The image by what tells it from the other."""
    if image is None:
        return "the backend's own image"
    told = [name for name in ("name", "dockerfile", "target") if getattr(image, name) != getattr(before, name, None)]
    shown = (getattr(image, name) for name in told)
    values = [value.name if isinstance(value, Path) else value for value in shown]
    pairs = zip(told, values, strict=True)
    return " ".join(_assigned(f"image.{name}", value) for name, value in pairs) or "image.include"


def _ingress_text(ingress: Ingress, name: str) -> str:
    if name:
        return _assigned(f"ingress.{name}", getattr(ingress, name))
    if ingress.kind == "none":
        return f"no ingress, ingress.host={ingress.host}" if ingress.host != Ingress().host else "no ingress"
    return f"ingress {ingress.kind}{' over TLS' if ingress.tls else ''}"


def _option_text(key: str, value: object) -> str:
    """Of a secret, of a table and of a longer text no more than the key."""
    if isinstance(value, dict):
        return key
    # How a password is made is no secret.
    if isinstance(value, str) and value != RESERVED and ("\n" in value or is_secret(key.rpartition(".")[2], value)):
        return key
    return _assigned(key, ",".join(map(str, value)) if isinstance(value, list) else value)


def _assigned(key: str, value: object) -> str:
    """As the file has it: `platform.cpus=1`, `redis.password=true`, `ingress.drop_headers=[]`."""
    if value is None:
        return f"{key} not set"
    if isinstance(value, bool):
        return f"{key}={str(value).lower()}"
    if isinstance(value, float):
        return f"{key}={value:g}"
    if isinstance(value, tuple):
        return f"{key}={','.join(value) or '[]'}"
    return f"{key}={value}"
