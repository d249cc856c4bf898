"""Clients of one scenario that come from addresses of their own, in containers: from relays of the boot's network."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.conversation.driver import play
from envparity.launch.choose import choose_launcher
from envparity.model.case import Boot
from envparity.observe.frame import JsonFrame, plain
from envparity.observe.transcript import HttpAnswered

pytestmark = pytest.mark.docker

SERVER = """use IO::Socket::INET; $| = 1;
my $all = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 9, ReuseAddr => 1) or die;
while (my $client = $all->accept) { my $peer = $client->peerhost; my $said = '';
  while (my $line = <$client>) { $line =~ s/\\r?\\n//; last if $line eq '';
    $said = $1 if $line =~ /^X-Forwarded-For: (.*)/i; }
  my $body = "{\\"peer\\": \\"$peer\\", \\"said\\": \\"$said\\"}"; my $size = length $body;
  print $client "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: $size\\r\\n";
  print $client "Connection: close\\r\\n\\r\\n$body";
  close $client; }
"""
BACKEND = """name = "seen"
command = ["perl", "/server.pl", "{port}"]
[image]
dockerfile = "Dockerfile"
[health]
up = "port"
[[scenario]]
name = "addresses"
steps = [
  { http = "GET /", from = "first" },
  { http = "GET /", from = "second" },
  { http = "GET /", from = "first" },
  { http = "GET /" },
]
"""
BEHIND = '[ingress]\nkind = "nginx"\nmax_lifetime_s = 30\n'


async def test_each_name_is_an_address_of_the_network(tmp_path: Path) -> None:
    """Of the connection itself, and as the ingress says it behind one; who says no name comes from the gateway."""
    files = {
        "server.pl": SERVER,
        "Dockerfile": "FROM debian:bookworm-slim\nCOPY server.pl /server.pl\n",
        "backend.toml": BACKEND,
        "environments/direct.toml": 'name = "direct"\n',
        "environments/behind.toml": f'name = "behind"\n{BEHIND}',
    }
    (tmp_path / "environments").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    project = load_project(tmp_path / "backend.toml", tmp_path / "environments")
    launcher = choose_launcher("container", project, lambda _: None)
    seen: dict[str, list[object]] = {}
    named: dict[str, list[str]] = {}
    try:
        for name, field in (("direct", "peer"), ("behind", "said")):
            async with launcher.boot(project.environments[name], Boot(), lambda _: None) as stack:
                await stack.until_decided()
                transcript = await play(project.backend.scenarios[0], stack, project.backend, None)
                assert transcript.departure is None
                answers = [event.body for event in transcript.events if isinstance(event, HttpAnswered)]
                bodies = [plain(body) for body in answers if isinstance(body, JsonFrame)]
                seen[name] = [body[field] for body in bodies]
                named[name] = [transcript.names.get(str(body[field]), "") for body in bodies]
    finally:
        await launcher.close()
    for first, second, again, other in seen.values():
        assert first == again
        assert len({first, second, other}) == 3
    assert list(named.values()) == [["<address:first>", "<address:second>", "<address:first>", ""]] * 2
