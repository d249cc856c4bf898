"""The team's own configuration by a real nginx: it does what it says, and the run still knows who answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envparity.launch.arrived import arrived_of
from envparity.launch.process.ingress.nginx import find_nginx
from envparity.model.environment import OwnConfiguration
from tests.docs.pages import blocks
from tests.envparity.launch.process.ingress.asking import KEY, ask, asked, get, heads
from tests.envparity.launch.process.ingress.bench import HOST, Bench, bench_of, opened_iterator

KINDS = [*(["installed"] if find_nginx() else []), pytest.param("nginx", marks=pytest.mark.docker)]
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13")
(PAGE,) = blocks("docs/environment-file.md", "nginx")
FORGETFUL = """
    server {
        listen {listen};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {
            proxy_pass http://{upstream};
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }
    }
"""


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from opened_iterator(bench_of(request.param))


async def test_the_example_of_the_page_does_what_it_says(bench: Bench) -> None:
    """The prefix is stripped, the upgrade passes, and the answer says which replica it was and what arrived there."""
    ingress = bench.open(patient=True, prefix="/chat", config=OwnConfiguration("page.conf", PAGE.text))
    reply = await ask(bench, ingress, get("/chat/ws", *UPGRADE), ends_with=b"\r\n\r\n")
    assert reply.status == 101
    assert reply["X-Envparity-Upstream"] in {f"{replica.host}:{replica.port}" for replica in bench.replicas}
    assert reply["X-Envparity-Answered"] == "yes"
    assert {header.name: header.value for header in arrived_of(reply.headers)}["Host"] == HOST
    assert asked(bench)[0] == "GET /ws HTTP/1.1"
    for replica in bench.replicas:
        replica.heads.clear()
    elsewhere = await ask(bench, ingress, get("/elsewhere"), ends_with=b"</html>\r\n")
    assert (elsewhere.status, heads(bench)) == (404, [])
    assert "X-Envparity-Upstream" not in dict(elsewhere.headers)


async def test_what_it_forgets_is_forgotten(bench: Bench) -> None:
    """Without proxy_http_version 1.1 there is no upgrade, and the Host is nginx's own name for the backend."""
    ingress = bench.open(patient=True, config=OwnConfiguration("own.conf", FORGETFUL))
    for replica in bench.replicas:
        replica.heads.clear()
    await ask(bench, ingress, get("/headers", *UPGRADE), ends_with=b"\r\n\r\n")
    lines = asked(bench)
    assert "Host: backend" in lines
    assert not any(line.startswith("Upgrade:") for line in lines)
