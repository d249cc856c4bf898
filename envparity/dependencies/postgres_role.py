"""The role and the database that the backend gets on a PostgreSQL server, and the connections that are kept from it."""

from __future__ import annotations

__all__ = ["DATABASE", "RESERVED", "USER"]

USER = DATABASE = "app"
RESERVED = 3
"""How many of its connections PostgreSQL keeps for superusers (superuser_reserved_connections)."""
