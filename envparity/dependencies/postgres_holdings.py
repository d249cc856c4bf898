"""What a PostgreSQL holds that does not end by itself: the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.dependency.kind import Shell
from envparity.errors import LaunchError

__all__ = ["held_by"]

_DONE = "envparity-holdings-done"
_MOST = 100_000

# A statement for each table that is no other's part, which psql runs in turn: its name, and how many rows it has but
# for those with a moment in them that has not come yet, which is when they end.
_COUNTS = f"""
SELECT format(
    'SELECT %L, count(*) FROM (SELECT 1 FROM %s%s LIMIT {_MOST}) AS held', c.oid::regclass, c.oid::regclass,
    (SELECT ' WHERE NOT (' || string_agg(format('coalesce(isfinite(%1$I) AND %1$I > now(), false)', a.attname), ' OR ')
         || ')'
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY c.oid::regclass::text \\gexec
"""  # noqa: S608  only a constant of this module goes in


async def held_by(shell: Shell, database: str) -> Mapping[str, int]:
    """How many rows each table has, up to a hundred thousand. Raises `LaunchError` with what is said against it."""
    script = f"\\connect {database}\nSET statement_timeout = '5s';\n{_COUNTS}\\echo {_DONE}\n"
    said = await shell.ask(script, _DONE)
    if "ERROR:" in said or "FATAL:" in said:
        raise LaunchError(f"PostgreSQL does not say what it holds: {said.strip()}")
    rows = (line.rpartition("|") for line in said.splitlines() if "|" in line)
    return {table: int(count) for table, _, count in rows if count.isdigit()}
