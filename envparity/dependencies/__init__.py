"""What a backend needs: one file for each kind of dependency, and what only that kind has."""
