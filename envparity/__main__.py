"""`python -m envparity` is `envparity`."""

from __future__ import annotations

from envparity.cli import main

main()
