"""TOML within bounds, each value with the line that it stands in, and every mistake of a file at once."""
