"""Users and messages of conversations."""

from __future__ import annotations

M1, M2 = "7d9f7a36-0e3c-4a37-9d8b-0123456789ab", "0c1e2f34-0e3c-4a37-9d8b-0123456789ab"
