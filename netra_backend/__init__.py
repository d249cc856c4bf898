"""The reference backend: chat and agents over one WebSocket, on PostgreSQL and Redis."""

__version__ = "0.1.0"

__all__ = ["__version__"]
