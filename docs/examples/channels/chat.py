"""Rooms of a chat, by Django Channels: what somebody says in a room is heard by all who are in it."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path


class Room(AsyncJsonWebsocketConsumer):
    """One guest of a room."""

    async def connect(self) -> None:
        """Let the guest in, and hear from then on what is said."""
        self.room = f"room_{self.scope['url_route']['kwargs']['room'].hex}"
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send_json({"type": "joined"})

    async def disconnect(self, code: int) -> None:
        """Leave the room, however that came."""
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content: dict[str, Any], **kwargs: Any) -> None:
        """Have the room hear it."""
        await self.channel_layer.group_send(self.room, {"type": "said", "text": content["text"]})

    async def said(self, event: dict[str, Any]) -> None:
        """Pass on what was said."""
        await self.send_json({"type": "said", "text": event["text"]})


rooms = URLRouter([path("ws/chat/<uuid:room>/", Room.as_asgi())])
application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": AllowedHostsOriginValidator(rooms)},
)
