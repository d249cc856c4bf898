"""The pytest plugin, and the session that its tests share."""
