"""The container launcher: testcontainers and the Docker SDK."""
