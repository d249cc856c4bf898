"""The options that several commands share."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import click

from envparity.engine.session.attaching import Attaching
from envparity.engine.session.inputs import MOST_EXPLORED, ORDERS, launcher_names
from envparity.errors import DoorFailed
from envparity.faces.cli.ending import end, one_message, say
from envparity.model.scenario import MOST_REPEATED

__all__ = [
    "attach_option",
    "attaching",
    "backend_option",
    "causes_option",
    "confirm_option",
    "end",
    "environments_option",
    "explore_option",
    "explore_seed_option",
    "image_option",
    "keep_option",
    "launcher_option",
    "names_option",
    "ndjson_option",
    "one_message",
    "only_option",
    "orders_option",
    "repeat_option",
    "runs_option",
    "say",
    "thorough_option",
]

backend_option = click.option(
    "--backend", metavar="FILE", type=click.Path(path_type=Path),
    help="The backend file: how to run the backend under test, and the conversations it must hold. "
    "Default: ENVPARITY_BACKEND, or netra_backend/backend.toml or backend.toml, whichever is here.",
)  # fmt: skip
environments_option = click.option(
    "--environments", metavar="DIR", type=click.Path(path_type=Path),
    help="The folder with one file for each environment. Default: environments.",
)  # fmt: skip
names_option = click.option(
    "--environment", "names", metavar="NAME[,NAME]", multiple=True,
    help="Only these environments; may be repeated. The first is what the others are compared with. Default: all.",
)  # fmt: skip


class _LauncherOption(click.Option):
    """`--launcher NAME`, of those that are installed: asked for when they are needed, for one may be broken."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        with suppress(DoorFailed):
            self.metavar = f"[{'|'.join(launcher_names())}]"
        return super().get_help_record(ctx)


def _known_launcher(_ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    with one_message():
        if value is not None and value not in (known := launcher_names()):
            raise click.BadParameter(f"{value!r} is not one of {', '.join(map(repr, known))}.")
    return value


launcher_option = click.option(
    "--launcher", cls=_LauncherOption, metavar="NAME", callback=_known_launcher,
    help="What boots the environments; auto: containers, or processes where there is no engine. A gate asks for "
    "container by name, and fails there. "
    "Default: ENVPARITY_LAUNCHER, or auto.",
)  # fmt: skip
image_option = click.option(
    "--image", metavar="NAME@DIGEST",
    help="Boot the backend from exactly this image in every environment, whatever the files say: NAME@sha256:…, or the "
    "sha256:… of the engine. It is not pulled. The launcher is then container.",
)  # fmt: skip
attach_option = click.option(
    "--attach", "attach", metavar="NAME[=URL]", multiple=True,
    help="Do not boot this environment: look at it where it runs. The URL must be that of [deployed] in its file, "
    "which is also the default, or be confirmed. Nothing there is stopped, cut off or flooded. May be repeated.",
)  # fmt: skip
confirm_option = click.option(
    "--confirm-target", "confirmed", metavar="HOST", multiple=True,
    help="Look at what runs on this host although the environment's file does not name it. May be repeated.",
)  # fmt: skip
runs_option = click.option(
    "--runs", metavar="DIR", type=click.Path(path_type=Path),
    help="The folder in which runs are saved, the newest 20 of them. Default: ENVPARITY_RUNS, or .envparity/runs.",
)  # fmt: skip


only_option = click.option(
    "--only",
    metavar="PATTERN",
    multiple=True,
    help="Only scenarios of this name or glob ('refusal-*'); may be repeated.",
)
orders_option = click.option(
    "--orders", type=click.Choice(list(ORDERS)),
    help="Also boot every environment in a covering set of initialisation orders of this strength (every order of "
    "every so many steps occurs), and with its dependencies in every order. Default: ENVPARITY_ORDERS, or none.",
)  # fmt: skip
thorough_option = click.option(
    "--thorough/--not-thorough", default=None,
    help="Also play what takes long: the scenarios that say `thorough`; boot with certificates for other hosts, "
    "which must be refused; stop a replica while it starts; kill one, which must come back; and look at the memory "
    "that very many visits leave. Default: ENVPARITY_THOROUGH, or not.",
)  # fmt: skip
repeat_option = click.option(
    "--repeat", metavar="N", type=click.IntRange(1, MOST_REPEATED), default=1,
    help="Boot every case N times, and count what shows in some of these boots only. Default: once, and again only "
    "where something is red.",
)  # fmt: skip
explore_option = click.option(
    "--explore", metavar="N", type=click.IntRange(0, MOST_EXPLORED), default=0,
    help="Also make N sequences of frames of the contract, some broken in one place, and say them everywhere: "
    "what is answered otherwise somewhere is shrunk and is a finding. Default: none.",
)  # fmt: skip
explore_seed_option = click.option(
    "--explore-seed", metavar="SEED", type=click.IntRange(0),
    help="Make the same sequences again. Default: a seed that nobody chose; it stands in the verdict.",
)  # fmt: skip
keep_option = click.option(
    "--keep", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write what --explore found as scenarios of a backend file.",
)  # fmt: skip
causes_option = click.option(
    "--causes/--no-causes", default=True, show_default=True,
    help="Boot what is red again, in hybrids of an environment that shows it and one that does not, until the "
    "difference that makes it red is known. Costs nothing where the verdict is clean.",
)  # fmt: skip
ndjson_option = click.option(
    "--ndjson",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every event as a line of JSON.",
)


def attaching(values: tuple[str, ...], confirmed: tuple[str, ...]) -> Attaching:
    """What these options ask for. On a terminal, what nobody confirmed is asked about."""
    return Attaching(values, confirmed, _ask if sys.stdin.isatty() and sys.stderr.isatty() else None)


def _ask(name: str, url: str) -> bool:
    return click.confirm(f"{name}'s file does not name {url}. Look at it all the same?", err=True)
