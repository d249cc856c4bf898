"""The Hypothesis profile by which the properties are tried every night; before a landing it is Hypothesis's own `ci`.

That one derives its examples from the test, so that the same tree has the same answer: what is new is looked for at
night, with many more examples, and each that is found becomes a test of its own.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("thorough", max_examples=3000, deadline=None, print_blob=True)
