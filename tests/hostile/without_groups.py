"""`envparity` as it is where this user can make no control group."""

from __future__ import annotations

from unittest import mock

from envparity.faces.cli import main

if __name__ == "__main__":
    with mock.patch("envparity.launch.process.launcher.made_group", return_value=None):
        main()
