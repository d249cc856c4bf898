"""Warm boots: an agent that has the third-party packages loaded, and forks for every boot."""
