"""The TCP ports that somebody listens on in a network of this machine, asked of the kernel by netlink.

`/proc/net/tcp` lists every connection as well, the closed ones too, and to find them the kernel walks a table that is
as large as the machine's memory: a look takes milliseconds, or tens of them. The kernel's answer here has the
listening sockets alone (Linux, sock_diag(7)).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

__all__ = ["listening_ports"]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_AND_DUMP = 0x0301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3  # NLMSG_ERROR, NLMSG_DONE
_LISTEN = 1 << 10  # TCP_LISTEN in a mask of states
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_REQUEST = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, and a socket: any
_PORT = struct.Struct("!H")
_PORT_AT = _HEADER.size + 4  # inet_diag_msg: family, state, timer, retransmits, then the local port
_ANSWER_BYTES = 1 << 16
_CLONE_NEWNET = 0x40000000
_ANSWER_S = 1.0


def listening_ports(namespace: Path | None = None) -> frozenset[int] | None:
    """Every port that has a listening socket, IPv4 or IPv6; None where the kernel does not say (in a sandbox).

    In this process's own network, or in that namespace (`/proc/PID/ns/net`), which only a privileged user may enter.
    """
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return None
    try:
        with _asking(family) if namespace is None else _asking_in(namespace, family) as kernel:
            kernel.settimeout(_ANSWER_S)
            return frozenset(_ports(kernel, socket.AF_INET) | _ports(kernel, socket.AF_INET6))
    except OSError:  # a TimeoutError is one too
        return None


def _asking(family: int) -> socket.socket:
    return socket.socket(family, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)


def _asking_in(namespace: Path, family: int) -> socket.socket:
    """A socket that asks about that network for as long as it is open. Raises `OSError` where we may not.

    A thread of its own goes there, makes it, and ends there: no other thread of this process leaves its network.
    """
    made: Future[socket.socket] = Future()

    def make() -> None:
        try:
            _enter(namespace)
            made.set_result(_asking(family))
        except OSError as error:
            made.set_exception(error)

    Thread(target=make, name=f"network of {namespace}", daemon=True).start()
    return made.result(_ANSWER_S)


def _enter(namespace: Path) -> None:
    """Move this thread to that network (setns(2)). Raises `OSError` where it may not, or there is none."""
    try:
        enter = ctypes.CDLL(None, use_errno=True).setns
    except AttributeError as error:  # elsewhere than on Linux
        raise OSError(str(error)) from error
    with namespace.open("rb") as there:
        if enter(there.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))


def _ports(kernel: socket.socket, family: int) -> set[int]:
    """Those of one family of addresses. Raises `OSError` where the kernel refuses to say."""
    length = _HEADER.size + _REQUEST.size
    header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_AND_DUMP, family, 0)
    kernel.sendto(header + _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _LISTEN), (0, 0))
    found: set[int] = set()
    while True:
        answer = kernel.recv(_ANSWER_BYTES)
        at = 0
        while at + _HEADER.size <= len(answer):
            length, kind, _, _, _ = _HEADER.unpack_from(answer, at)
            if kind == _DONE:
                return found
            if kind == _ERROR or length < _HEADER.size:
                raise OSError("the kernel does not say who listens")
            found.add(_PORT.unpack_from(answer, at + _PORT_AT)[0])
            at += (length + 3) & ~3
