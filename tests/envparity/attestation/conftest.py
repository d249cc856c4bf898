"""The judge of `claims` for every test of this folder."""

from tests.envparity.attestation.claims import judge

__all__ = ["judge"]
