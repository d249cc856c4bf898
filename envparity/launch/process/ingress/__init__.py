"""The ingress of the process launcher: what the ingress image does, by an installed nginx or in Python."""
