"""What a run leaves while it lives, whose it is, and its end once that run is dead."""
