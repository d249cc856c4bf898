"""A live probe: one conversation with what is deployed, again and again, and what it showed as metrics and lines."""
