"""The part of the audit that runs in the backend's own interpreter: imports modules, and says what that did.

It needs nothing but the standard library of Python 3.9 or newer; `audit.program` makes one text of it and of
`audit.guard`, for `python3 -c`. It speaks JSON lines: the first line that it reads is what to audit (`survey.Task`),
every further one asks for imports in some order; `__main__` has the words.
"""
