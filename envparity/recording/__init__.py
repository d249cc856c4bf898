"""What somebody did with a running backend, once, made a scenario: recorded, read, played again, and written down."""
