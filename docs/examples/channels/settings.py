"""Settings of Django, as far as a chat needs any; what differs between deployments comes from the environment."""

from __future__ import annotations

import os

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
INSTALLED_APPS = ["channels"]
LAYER = os.environ["CHANNEL_LAYER"]
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [LAYER]}}
    if LAYER.startswith("redis")
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
