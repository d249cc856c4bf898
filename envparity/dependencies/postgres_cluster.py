"""An empty PostgreSQL cluster: made once with initdb, kept in the user's cache, copied for each server."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from envparity.dependencies.postgres_role import DATABASE, USER
from envparity.errors import LaunchError
from envparity.launch.cache import cache_folder
from envparity.launch.cleanup.cleaning import remove_tree
from envparity.launch.process.child import identity_of

__all__ = ["copy_cluster", "run_sql"]

_INITDB_S = 60.0
_SQL_S = 15.0
_LOCALES = ("C.UTF-8", "C")  # the image's; and where the system has none of that name

# As docker/postgres/postgresql.conf.
_SETTINGS = """
password_encryption = 'scram-sha-256'
# The data never outlives its run, and a killed server process loses nothing that the kernel already has.
fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = '32MB'
# Files in the data folder, and not in /dev/shm, where they would outlive a server that is killed.
dynamic_shared_memory_type = mmap
min_wal_size = '2MB'
max_wal_size = '64MB'
max_wal_senders = 0
wal_level = 'minimal'
huge_pages = off
jit = off
max_parallel_workers_per_gather = 0
log_timezone = 'UTC'
timezone = 'UTC'
# A failing statement may carry a secret.
log_min_error_statement = 'panic'
log_connections = off
log_checkpoints = off
max_logical_replication_workers = 0
"""
# The superuser comes in by the socket, in a folder that is the servers' own; everybody else has a password.
_ADMISSION = """\
local all postgres trust
local all all scram-sha-256
host all postgres all reject
host all all all scram-sha-256
"""
_OBJECTS = (
    f"CREATE ROLE {USER} LOGIN CREATEDB",
    f"CREATE DATABASE {DATABASE} OWNER {USER}",
    f"REVOKE CONNECT ON DATABASE {DATABASE} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {USER}",
)
# Behind a front that ends TLS the server sees Unix sockets. Whoever asks how he is connected is told how he is.
_TOLD_OF_TLS = (
    "SET allow_system_table_mods = on",
    (
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pg_catalog.pg_stat_ssl AS ' || regexp_replace("
        "pg_get_viewdef('pg_catalog.pg_stat_ssl'::regclass), '([a-z]+[.])?ssl,', 'usesysid <> 10 AS ssl,'); END $$"
    ),
)
_COMPLETE: Final = "complete"
"""Beside a kept cluster: the digest of all that is in it."""
_sound: set[Path] = set()
"""The kept clusters that were looked at and are whole: once in a process is enough."""
_looking: Final = threading.Lock()
"""Held by who looks at one: environments that boot at the same time wait for the first, and need not look."""


def copy_cluster(programs: Path, data: Path, user: int | None, *, behind_tls: bool) -> None:
    """Put a cluster into the folder `data`, which must not exist, in a folder that belongs to `user`.

    Its role and database are both `app`; the role has no password, so nobody can come in as yet. `programs` is
    the folder of initdb. `behind_tls`: every client comes through a front that ends TLS. Raises `LaunchError`.
    A kept cluster that is not as it was kept is made anew.
    """
    kept = cache_folder() / "clusters" / _name(programs, user, behind_tls=behind_tls)
    if not _is_sound(kept):
        _remove(kept)
        made = Path(tempfile.mkdtemp(prefix="cluster-", dir=data.parent))
        _chown(made, user)
        try:
            _make(programs, made / "data", user, behind_tls=behind_tls)
            _keep(made / "data", kept)
            (made / "data").rename(data)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return
    _copy(kept / "data", data)


def _is_sound(kept: Path) -> bool:
    """Whether that cluster is there, and as it was when it was kept."""
    with _looking:
        if kept not in _sound:
            try:
                if (kept / _COMPLETE).read_text(encoding="ascii") != _digest(kept / "data"):
                    return False
            except (OSError, ValueError):
                return False
            _sound.add(kept)
        return True


def _digest(folder: Path) -> str:
    """Of every name, owner, mode and content in it."""
    digest = hashlib.blake2b(digest_size=32)
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        digest.update(repr((path.relative_to(folder).as_posix(), found.st_mode, found.st_uid, found.st_size)).encode())
        if stat.S_ISREG(found.st_mode):
            digest.update(path.read_bytes())  # of a thousand files most have a page or two; the size is told above
    return digest.hexdigest()


def _remove(kept: Path) -> None:
    """Whatever stands there."""
    with suppress(OSError):
        if kept.is_dir() and not kept.is_symlink():
            remove_tree(kept)
        else:
            kept.unlink(missing_ok=True)


def run_sql(programs: Path, socket_folder: Path, port: int, user: int | None, *statements: str) -> None:
    """Run them as the superuser, by the socket. Raises `LaunchError` with what is said against one."""
    said = _run(
        [str(programs / "psql"), "-X", "-q", "-h", str(socket_folder), "-p", str(port), "-U", "postgres"],
        user,
        _SQL_S,
        script="".join(f"{statement};\n" for statement in statements),
        folder=socket_folder,
    )
    if "ERROR:" in said:
        raise LaunchError(f"PostgreSQL refuses to be prepared: {said[-500:]}")


def _name(programs: Path, user: int | None, *, behind_tls: bool) -> str:
    """What tells one kept cluster from another: version, whose it is, and how it was made."""
    version = _run([str(programs / "postgres"), "--version"], None, _SQL_S).split()[
        2
    ]  # postgres (PostgreSQL) 15.1 (Debian …)
    recipe = repr((_SETTINGS, _ADMISSION, _OBJECTS, _TOLD_OF_TLS, str(programs.resolve().parent), behind_tls))
    owner = os.geteuid() if user is None else user
    return f"postgres-{version}-{owner}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def _make(programs: Path, data: Path, user: int | None, *, behind_tls: bool) -> None:
    options = ["-D", str(data), "-U", "postgres", "--encoding=UTF8", "--wal-segsize=1", "--no-sync"]
    options += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    for locale in _LOCALES:
        try:
            _run([str(programs / "initdb"), *options, f"--locale={locale}"], user, _INITDB_S, folder=data.parent)
        except LaunchError as error:
            if locale == _LOCALES[-1] or "locale" not in str(error):
                raise
            shutil.rmtree(data, ignore_errors=True)
        else:
            break
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS)
    (data / "pg_hba.conf").write_text(_ADMISSION, encoding="utf-8")
    told = _TOLD_OF_TLS if behind_tls else ()
    # The database of the backend, and whatever is made beside it later, is a copy of template1.
    for database, statements in (("template1", told), ("postgres", _OBJECTS)):
        script = "".join(f"{statement}\n" for statement in (*statements, "CHECKPOINT"))
        argv = [str(programs / "postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", database]
        _run(argv, user, _INITDB_S, script=script, folder=data.parent)


def _keep(data: Path, kept: Path) -> None:
    """Put a copy into the cache, whole or not at all. A cache that cannot be written costs time, and no more."""
    with suppress(OSError, LaunchError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        whole = Path(tempfile.mkdtemp(prefix="making-", dir=kept.parent))
        try:
            _copy(data, whole / "data")
            (whole / _COMPLETE).write_text(_digest(whole / "data"), encoding="ascii")
            whole.rename(kept)
        except OSError:  # somebody else was quicker
            shutil.rmtree(whole, ignore_errors=True)
            raise


def _copy(source: Path, target: Path) -> None:
    """With owners and modes; cp(1) does it in a third of the time that Python takes for a thousand files."""
    _run(["cp", "-Rp", str(source), str(target)], None, _INITDB_S)


def _chown(folder: Path, user: int | None) -> None:
    if user is not None:
        os.chown(folder, user, user)


def _run(argv: list[str], user: int | None, timeout_s: float, *, script: str = "", folder: Path | None = None) -> str:
    """What it prints. Raises `LaunchError` with the end of that where it fails."""
    try:
        ended = subprocess.run(
            argv,
            input=script.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=timeout_s,
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            **identity_of(user),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"{argv[0]}: {error}") from error
    said = bytes(ended.stdout).decode(errors="replace")
    if ended.returncode != 0:
        raise LaunchError(f"{argv[0]} has failed with status {ended.returncode}: {said[-1000:]}")
    return said
