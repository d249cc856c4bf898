"""The warm agent: imports what the backend imports from others, once, and forks a process for every boot.

The process that boots has run nothing of the backend before: it has the third-party modules, settings of its own, a
session of its own, no descriptor but its standard ones, and then runs what `python3 -m …` would run. What two boots of
one agent do share: the third-party modules as they were after import, the hash seed, and the file system of the
container (each boot has a TMPDIR of its own in it).

This package needs nothing but the standard library of Python 3.9 or newer on Linux; `launch.agent.program` makes one
text of it, for the image's own interpreter as `python3 -c`. It takes from the environment:

- ENVPARITY_WARM_TOKEN: what the client's first line must be, at least 32 characters
- ENVPARITY_WARM_LISTEN: `host:port`; every interface (0.0.0.0) only inside a container, which publishes where it wants
- ENVPARITY_WARM_UNCLAIMED_S: it ends after so many seconds without a client, 60 unless said otherwise

The protocol is JSON lines over TCP: requests {"id", "do", …} get {"id", "ok": true, …} or {"id", "ok": false, "error"};
events have "event" and no id. One client owns the agent; when its connection ends, by whatever cause, every boot is
killed and the agent ends. It has one thread: fork(2) copies that thread only, and a lock that another one held would
stay locked in the child for ever.
"""
