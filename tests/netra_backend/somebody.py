"""A user whom nobody else is."""

from __future__ import annotations

import uuid


def somebody() -> str:
    """A user whom no other test knows."""
    return f"google-oauth2|{uuid.uuid4().hex}"
