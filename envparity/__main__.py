"""`python -m envparity` is `envparity`."""

from __future__ import annotations

from envparity.faces.cli import main

main()
