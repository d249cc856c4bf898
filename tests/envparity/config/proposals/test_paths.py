"""Which paths of WebSockets the code of a project says, whatever it is written with."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.proposals.code import read_code

OF_ONE_FILE = {
    "Channels 2": ("a.py", "urlpatterns = [url(r'^ws$', consumers.ChatConsumer)]\n", "/ws"),
    "net/http": ("a.go", 'http.Handle("/ws", serve)\n', "/ws"),
    "gorilla's handler": ("a.go", 'http.Handle("/chat", websocket.Handler(talk))\n', "/chat"),
    "gin": ("a.go", 'router.GET("/v1/ws/:room", talk)\n', "/v1/ws/{uuid:room}"),
    "express-ws": ("a.js", "app.ws('/echo', (socket, request) => {})\n", "/echo"),
    "Fastify": ("a.ts", "app.get('/live', { websocket: true }, (socket) => {})\n", "/live"),
    "aiohttp": ("a.py", "app.router.add_get('/feed', websocket_handler)\n", "/feed"),
    "Node's own, by an end": (
        "a.js",
        "server.on('upgrade', (request, socket) => { if (request.url.split('?')[0] !== '/live') socket.end() })\n",
        "/live",
    ),
    "Node's own, by a URL": (
        "a.ts",
        "server.on('upgrade', (r, s, h) => { const { pathname } = new URL(r.url); if (pathname === '/a/b') go() })\n",
        "/a/b",
    ),
    "Flask-Sock": ("a.py", "@sock.route('/echo')\ndef echo(socket): ...\n", "/echo"),
}


@pytest.mark.parametrize("what", OF_ONE_FILE)
def test_a_path_is_found_where_a_framework_has_it(what: str, tmp_path: Path) -> None:
    """Once, with the line."""
    name, text, path = OF_ONE_FILE[what]
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = {(each.value, each.found_in) for each in read_code(tmp_path).websockets}
    assert found == {(path, f"{name}:1")}


def test_other_routes_are_no_paths_of_a_websocket(tmp_path: Path) -> None:
    """Pages, views of Django, and clients that ask."""
    (tmp_path / "a.py").write_text("urlpatterns = [path('chat/', views.index), url(r'^a$', views.Consumers)]\n")
    (tmp_path / "a.go").write_text('http.HandleFunc("/news", serve)\nr.GET("/rows", rows)\n')
    (tmp_path / "a.js").write_text("app.get('/page', (request, answer) => {})\nio = require('socket.io-client')\n")
    found = read_code(tmp_path)
    assert (found.websockets, found.socket_io) == ([], None)


@pytest.mark.parametrize(
    ("made", "handled"),
    [
        ("func talk(w http.ResponseWriter, r *http.Request) {\n\tc, err := upgrader.Upgrade(w, r, nil)\n}\n", "talk"),
        (
            "func (s *Server) talk(w http.ResponseWriter, r *http.Request) {\n\twebsocket.Accept(w, r, nil)\n}\n",
            "s.talk",
        ),
        ("func talk(w http.ResponseWriter) {\n\tw.(http.Hijacker).Hijack()\n}\n", "func(w, r) { talk(w) })"),
    ],
)
def test_a_path_in_go_is_known_by_what_handles_it(tmp_path: Path, made: str, handled: str) -> None:
    """Whatever both are called, and in whichever files they stand; what else is handled is none."""
    other = 'func news(w http.ResponseWriter, r *http.Request) {}\nfunc main() {\n\tmux.HandleFunc("/news", news)\n'
    (tmp_path / "a.go").write_text(f'{other}\tmux.HandleFunc("/live", {handled})\n}}\n')
    (tmp_path / "b.go").write_text(f"package main\n\n{made}")
    assert [(each.value, each.found_in) for each in read_code(tmp_path).websockets] == [("/live", "a.go:4")]


def test_flask_serves_socket_io(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from flask import Flask\nfrom flask_socketio import SocketIO\n")
    found = read_code(tmp_path).socket_io
    assert found is not None
    assert (found.value, found.found_in) == ("/socket.io/", "a.py:2")


ROUTED = {
    "main.py": "from api.routes import routes\napp = FastAPI()\napp.include_router(routes, prefix='/v1')\n",
    "api/__init__.py": "",
    "api/routes/__init__.py": "from .all import routes\n",
    "api/routes/all.py": """\
from fastapi import APIRouter
from . import chat
from .rooms.live import router as live_router

def made():
    routes.include_router(chat.router, prefix="/chat")

routes = APIRouter(prefix="/api")
routes.include_router(live_router)
""",
    "api/routes/chat.py": "router = APIRouter()\n\n@router.websocket('/ws')\nasync def talk(socket): ...\n",
    "api/routes/rooms/live.py": "router = APIRouter(prefix='/rooms')\n@router.websocket('/{room}')\ndef on(): ...\n",
}


def routed(tmp_path: Path, files: dict[str, str], root: str = "") -> list[str]:
    for name, text in files.items():
        (tmp_path / root / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / root / name).write_text(text, encoding="utf-8")
    return [each.value for each in read_code(tmp_path).websockets]


@pytest.mark.parametrize("root", ["", "src", "backend/app"])
def test_a_path_stands_below_every_prefix(tmp_path: Path, root: str) -> None:
    """Of its own router, of those that include that, however they are imported, wherever the modules begin."""
    assert routed(tmp_path, ROUTED, root) == ["/v1/api/chat/ws", "/v1/api/rooms/{uuid:room}"]


def test_a_router_that_is_included_twice_has_two_paths(tmp_path: Path) -> None:
    files = {"main.py": "from a import r\napp.include_router(r, prefix='/1')\napp.include_router(r, prefix='/2')\n"}
    assert routed(tmp_path, files | {"a.py": "r = APIRouter()\n@r.websocket('/ws')\nasync def f(): ...\n"}) == [
        "/1/ws",
        "/2/ws",
    ]


def test_an_application_below_another_is_below_its_path(tmp_path: Path) -> None:
    text = (
        "inner = FastAPI()\nouter = FastAPI()\nouter.mount('/in', inner)\n@inner.websocket('/ws')\nasync def f(): ...\n"
    )
    assert routed(tmp_path, {"a.py": text}) == ["/in/ws"]


def test_a_prefix_that_no_text_says_is_told(tmp_path: Path) -> None:
    """The path is what is written, and its place says what is missing."""
    text = "r = APIRouter(prefix=settings.prefix)\n@r.websocket('/ws')\nasync def f(): ...\n"
    (tmp_path / "a.py").write_text(text)
    (found,) = read_code(tmp_path).websockets
    assert (found.value, found.found_in) == ("/ws", "a.py:2, below a prefix that no text says")


def test_routers_that_include_each_other_are_read_to_an_end(tmp_path: Path) -> None:
    """And what is no Python is found as it is written."""
    text = "a = APIRouter(prefix='/a')\nb = APIRouter()\na.include_router(b)\nb.include_router(a)\n"
    assert "/a/ws" in routed(tmp_path, {"a.py": text + "@b.websocket('/ws')\nasync def f(): ...\n"})
    assert routed(tmp_path, {"a.py": "print 'x'\n@b.websocket('/ws')\nasync def f(): ...\n"}) == ["/ws"]


def test_ready_is_proposed_before_alive(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = '/healthz'\nb = '/readyz'\nc = '/ping'\n")
    assert [each.value for each in read_code(tmp_path).health] == ["/readyz", "/healthz", "/ping"]
