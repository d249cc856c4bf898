"""Many machines: shards that are merged, and a cluster that boots what is adaptive."""
