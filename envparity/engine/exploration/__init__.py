"""Exploration: frames that a contract allows, and frames that break it in one place, made, played and shrunk."""
