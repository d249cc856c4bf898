"""A contract inferred from a recording that the backend keeps to: loaded as a run loads it, and played with."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from envparity.model.backend import ContractFile
from envparity.model.step import Connect
from envparity.observe.plays import is_broken
from envparity.observe.transcript import Transcript, violations_of
from envparity.recording.contract import contract_text
from envparity.recording.proving import DoesNotHold, Proven, Trial, played

__all__ = ["prove_contract"]

_MOST_ROUNDS = 4


async def prove_contract(trial: Trial, proven: Proven) -> str:
    """The text of an AsyncAPI 3 document with which two plays of the scenario are clean.

    What a play says that the document does not know yet is taken into it. Raises `DoesNotHold` where there is no such
    document.
    """
    heard: list[Transcript] = list(proven.plays)
    path = next((step.path for step in proven.scenario.steps if isinstance(step, Connect) and step.path), "")
    usual = trial.backend.websocket_path.partition("?")[0]
    with tempfile.TemporaryDirectory(prefix="envparity-contract-") as folder:
        file = Path(folder) / "asyncapi.yaml"
        for _ in range(_MOST_ROUNDS):
            text = contract_text(trial.turns, heard, trial.speech, trial.backend.name, path or usual)
            if not text:
                expected = "frames that are objects, of the client and of the backend"
                raise DoesNotHold(f"no contract can be inferred without {expected}")
            file.write_text(proven.redaction.text(text), encoding="utf-8")
            backend = msgspec.structs.replace(trial.backend, contract=ContractFile(file), scenarios=(proven.scenario,))
            plays = [await played(trial, proven, backend) for _ in range(2)]
            if not any(map(is_broken, plays)):
                return file.read_text(encoding="utf-8")
            heard += plays
    violations = [each for play in plays for event in play.events for each in violations_of(event)]
    raise DoesNotHold(f"the contract has something against another play: {'; '.join(violations[:3]) or 'it departed'}")
