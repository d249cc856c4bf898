"""Somebody opens the page through the proxy, in a real Chromium: what the page says becomes a scenario that holds."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from envparity.config.backend import load_backend
from envparity.conversation.driver import play
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.observe.transcript import Transcript
from envparity.recording.upstream import Upstream
from tests.envparity.recording.conversing import backend_file
from tests.envparity.recording.rooms import PASSWORD, Rooms, app_of, serving

pytestmark = pytest.mark.browser

DEADLINE_S = 300.0


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chrome]:
    """A headless browser with a profile of its own."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        pytest.fail(f"{' and '.join(missing)} not found: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'p'}"):
        options.add_argument(argument)
    driver = Chrome(options, Service(str(programs["chromedriver"])))
    try:
        yield driver
    finally:
        driver.quit()


def test_a_page_is_recorded_in_a_browser(chromium: Chrome, tmp_path: Path) -> None:
    """By the command line: clean twice, red on a fault; nothing of the page's files is in it, and no password."""
    rooms = Rooms()
    with serving(app_of(rooms)) as port:
        out = tmp_path / "recorded.toml"
        command = [sys.executable, "-m", "envparity", "record", "--upstream", f"http://127.0.0.1:{port}", "--once"]
        with subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE, text=True) as recording:
            assert recording.stderr is not None
            found = re.search(r"http://(127\.0\.0\.1:\d+) on", recording.stderr.readline())
            assert found
            chromium.get(f"http://{found[1]}/")
            WebDriverWait(chromium, DEADLINE_S).until(lambda driver: driver.title == "closed 1000")
            said = recording.communicate(timeout=DEADLINE_S)[1]
        assert recording.returncode == 0, said
        text = out.read_text(encoding="utf-8")
        assert PASSWORD not in text + said
        steps = tomllib.loads(text)["scenario"][0]["steps"]
        assert [next(iter(step)) for step in steps] == [
            *("http", "connect", "expect", "send", "expect", "send_text", "expect", "close")
        ]
        assert (steps[1]["path"], steps[1]["origin"]) == ("/rooms/{id}", "allowed")
        backend = load_backend(backend_file(tmp_path, text))
        assert [played(backend, port).departure for _ in range(2)] == [None, None]
        rooms.fault = "deaf"
        assert played(backend, port).departure is not None


def played(backend: Backend, port: int) -> Transcript:
    """How the scenario goes on the backend at that port."""
    endpoint = Endpoint(("127.0.0.1", port), f"127.0.0.1:{port}", None)
    upstream = Upstream(endpoint=endpoint, settings={"X_PASS": PASSWORD})
    return asyncio.run(play(backend.scenarios[0], upstream, backend, None))
