"""What a kind of dependency is, and what it can do beside that."""
