"""Redis: the link, and what is kept or carried there."""
