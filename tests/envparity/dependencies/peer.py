"""A program of a team's own that needs a bus: it says what it was told, and cannot start where there is no bus."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_peer"]

_PROGRAM = r"""
use strict; use warnings; use IO::Socket::INET; $| = 1;
my $bus = IO::Socket::INET->new(PeerAddr => $ENV{BUS_HOST}, PeerPort => $ENV{BUS_PORT}, Timeout => 5) or die "no bus";
my $info = <$bus>; die "no bus" unless defined $info;
print "bus says ", substr($info, 0, 4), " to $ENV{SHARED_SECRET}\n";
my $listener = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 16, ReuseAddr => 1) or die "no port: $!";
while (my $client = $listener->accept) {
    while (defined(my $line = <$client>)) { last if $line =~ /^\r?\n$/ }
    print $client "HTTP/1.0 200 OK\r\n\r\n$ENV{SHARED_SECRET}"; close $client;
}
"""
_DOCKERFILE = """
FROM debian:bookworm-slim
COPY peer.pl /peer.pl
USER 65534
CMD ["perl", "/peer.pl"]
"""


def write_peer(folder: Path) -> None:
    """The program and its Dockerfile, for anybody to read."""
    for name, text in (("peer.pl", _PROGRAM), ("Dockerfile", _DOCKERFILE)):
        (folder / name).write_text(text, encoding="utf-8")
