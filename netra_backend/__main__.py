"""`python3 -m netra_backend`: serve on HOST and PORT until SIGTERM."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from netra_backend.app.main import create_app
from netra_backend.app.server import server_for

if TYPE_CHECKING:
    from netra_backend.app.backend import Backend


def main() -> int:
    """Serve. Exit status 0 after a drained stop, 2 when HOST or PORT cannot be used."""
    app = create_app()
    backend: Backend = app.state.backend
    listening = backend.reading.listening
    if listening is None:
        for problem in backend.reading.problems:
            sys.stderr.write(f"netra_backend: {problem}\n")
        return 2
    asyncio.run(server_for(app, listening).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
