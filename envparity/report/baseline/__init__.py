"""What a release was seen to do, kept as text that people review, and what has changed since."""
