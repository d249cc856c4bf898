"""`python -m envparity` is `envparity`."""

from __future__ import annotations

from envparity.faces.cli import main

if __name__ == "__main__":  # processes that are started anew by their program import it under another name
    main()
