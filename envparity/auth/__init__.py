"""How a client shows who it is: one file for each scheme, which makes good credentials and bad ones."""
