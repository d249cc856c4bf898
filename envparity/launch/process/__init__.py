"""A stack of processes on this machine, where there is no container engine."""
