"""Warm boots: forks of an agent beside a booted stack, each with places and proxies of its own in the servers."""
