"""What every room needs and none is about: children, deadlines, patterns, text from outside."""
