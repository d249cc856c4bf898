"""The judge of `claims` for every test of this folder."""

from tests.envparity.report.attestation.claims import judge

__all__ = ["judge"]
