"""What is served: the WebSocket, the health endpoints, the metrics."""
