"""`envparity`, or a session of pytest that uses it, as it is where this user can make no control group."""

from __future__ import annotations

import sys
from unittest import mock

import pytest

from envparity.faces.cli import main

if __name__ == "__main__":
    with mock.patch("envparity.launch.process.launcher.made_group", return_value=None):
        if sys.argv[1:2] == ["pytest"]:
            sys.exit(pytest.main(sys.argv[2:]))
        main()
