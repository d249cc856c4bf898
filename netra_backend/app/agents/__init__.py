"""The local, deterministic agent: a planner, three tools, a supervisor."""
