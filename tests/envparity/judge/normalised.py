"""Ids that differ in every run."""

from __future__ import annotations

M1 = "7d9f7a36-0e3c-4a37-9d8b-0123456789ab"
