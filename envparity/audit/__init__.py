"""What can be seen of a Python backend before it boots: what its imports do, and what its source says.

`audit.audit` reads the source here while an interpreter, this one's or that of the backend's own image, imports the
modules there (`audit.inside`); `audit.guard` watches request-scoped types in any process.
"""
