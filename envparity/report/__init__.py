"""What is told of a run: one stream of events, and a writer for each reader."""
