"""How the harness is asked: by the command line and by pytest."""
