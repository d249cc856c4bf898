"""The programs of servers that this machine has from its distribution, also where only root looks for them."""

from __future__ import annotations

import os
import shutil

__all__ = ["missing", "program"]

_ALSO = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def program(name: str) -> str:
    """Where that program is; its bare name where it is not, which nothing can start (see `missing`)."""
    return _found(name) or name


def missing(name: str, package: str) -> str:
    """Of a program that is not on this machine, in words which it is and where it comes from; else ""."""
    return "" if _found(name) else f"no {name} is installed: install {package} on this machine"


def _found(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO)))
