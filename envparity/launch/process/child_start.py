"""The program that a child is before it becomes what it was started for.

    child_start.py GROUP LIMIT CONFINED USER GO THERE LOCALE PRELOAD PROGRAM [ARGUMENT ...]

Run on the standard library alone, and on the little of it that costs no time. Each of these is "-" where it is not
asked for:

- GROUP: the file into which a process writes 0 to be in its control group
- LIMIT: how many file locks it and what it starts may have, which is a mark and no limit (see `cleanup.cleaning`)
- CONFINED: it and what it starts come to no privilege that it did not have (capabilities(7), prctl(2)): an ordinary
  user to none, root to what an entry point needs that hands over to an ordinary user
- USER: the number of the user that it becomes, with its group alone
- GO, THERE: descriptors of a gate (see `start_gate`): it says on THERE that it waits, and goes on when GO is closed
- LOCALE: LC_CTYPE was given; else it is a variable that only this interpreter has set (PEP 538)
- PRELOAD: LD_PRELOAD of the program; what it loads here, as another user, may keep the program from what it makes
  (libfaketime's shared memory has the number of the process in its name)
"""

import contextlib
import os
import resource
import signal
import sys

_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITIES = 64
_RLIMIT_LOCKS = 10
_ROOT_KEEPS = (0, 1, 3, 5, 6, 7)  # CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID
_NOT_ASKED = "-"


def main() -> None:
    """Join, drop, wait, and become the program."""
    group, limit, confined, user, go, there, locale, preload, *argv = sys.argv[1:]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # the interpreter ignores them, and what is ignored is inherited
    if group != _NOT_ASKED:
        members = os.open(group, os.O_WRONLY)
        os.write(members, b"0")
        os.close(members)
    if limit != _NOT_ASKED:
        with contextlib.suppress(OSError, ValueError):  # another run's, in which this one runs, is lower
            resource.setrlimit(_RLIMIT_LOCKS, (int(limit), int(limit)))
    if confined != _NOT_ASKED:
        _confine(keep=_ROOT_KEEPS if user in {_NOT_ASKED, "0"} else ())
    if user != _NOT_ASKED:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    environment = dict(os.environ)
    if locale == _NOT_ASKED:
        environment.pop("LC_CTYPE", None)
    if preload != _NOT_ASKED:
        environment["LD_PRELOAD"] = preload
    if go != _NOT_ASKED:
        for descriptor in (go, there):
            os.set_inheritable(int(descriptor), False)  # noqa: FBT003  the os module has it so
        os.write(int(there), b".")
        os.read(int(go), 1)
    try:
        os.execve(argv[0], argv, environment)  # noqa: S606  the program itself, and no shell
    except OSError as error:
        sys.exit(f"{argv[0]} cannot be started: {error}")


def _confine(keep: tuple[int, ...]) -> None:
    """Leave these in the bounding set, and have no program give anything back; the rest ends with the next program."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    for capability in range(_CAPABILITIES):
        if capability not in keep:
            prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
