"""The rules that are read from the source. Each file has one `check`, from a `Reading` to what breaks the rule."""
