"""What a boot showed, as data, and how it is read."""
