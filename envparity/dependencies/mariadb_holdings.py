"""What a MariaDB holds that does not end by itself: the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.dependencies.mariadb_client import run_sql
from envparity.dependency.kind import Server

__all__ = ["held_by"]

_MOST = 100_000

# A table, and its columns that hold a moment, with what "now" is in their terms: a DATETIME has no zone of its own.
_TABLES = """
SELECT t.table_name, c.column_name, c.data_type
FROM information_schema.tables t LEFT JOIN information_schema.columns c
    ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.data_type IN ('datetime', 'timestamp')
WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
ORDER BY t.table_name, c.ordinal_position
"""
_NOW = {"datetime": "LEAST(NOW(), UTC_TIMESTAMP())", "timestamp": "NOW()"}


async def held_by(server: Server, user: str, database: str) -> Mapping[str, int]:
    """How many rows each table has, up to a hundred thousand, but for those with a moment in them that has not come
    yet, which is when they end. Raises `LaunchError` with what is said against it.
    """
    ends: dict[str, list[str]] = {}
    for table, column, kind in await run_sql(server, user, database, _TABLES):
        of_table = ends.setdefault(table or "", [])
        if column is not None:
            of_table.append(f"COALESCE({_quoted(column)} > {_NOW[kind or '']}, FALSE)")
    counts = [_count(table, moments) for table, moments in ends.items()]
    rows = await run_sql(server, user, database, " UNION ALL ".join(counts)) if counts else []
    return {table: int(held or 0) for table, (held,) in zip(ends, rows, strict=True)}


def _count(table: str, moments: list[str]) -> str:
    ending = f" WHERE NOT ({' OR '.join(moments)})" if moments else ""
    return f"(SELECT COUNT(*) FROM (SELECT 1 FROM {_quoted(table)}{ending} LIMIT {_MOST}) AS held)"  # noqa: S608


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
