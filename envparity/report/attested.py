"""A run as what `envparity verify` reads: an in-toto statement in a DSSE envelope, signed where there is a key."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from envparity.judge.finding import Finding
from envparity.report.attestation.predicate import (
    PREDICATE_TYPE,
    SCHEMA,
    Claimed,
    ClaimedExemption,
    ClaimedFinding,
    ClaimedImage,
    ClaimedOrders,
    ClaimedRevision,
    ResourceDescriptor,
    Statement,
)
from envparity.report.kinds import Report
from envparity.report.saved import SavedRun

__all__ = ["REPORT", "claimed", "statement"]


def claimed(run: SavedRun) -> Claimed:
    """What that run claims."""
    verdict, project = run.verdict, run.project
    revision = project.revision
    return Claimed(
        schema=SCHEMA,
        envparity=project.envparity,
        run=verdict.run_id,
        began=project.began,
        duration_s=verdict.duration_s,
        verdict="clean" if verdict.clean else "red",
        findings=tuple(map(_finding, verdict.findings)),
        launcher=verdict.launcher,
        backend=project.backend,
        environments=verdict.environments,
        cases=verdict.cases,
        scenarios=verdict.scenarios,
        rules=verdict.rules,
        files=project.files,
        attached=tuple(verdict.attached),
        only=project.only,
        repeat=project.repeat,
        orders=ClaimedOrders(project.orders, verdict.coverage),
        exemptions=tuple(
            ClaimedExemption(exemption.environment, exemption.path, exemption.reason)
            for exemption in verdict.exemptions
        ),
        cannot_check=verdict.cannot_check,
        unsteady=verdict.unsteady,
        by_chance=tuple(finding.id for finding in verdict.by_chance),
        stalls=verdict.stalls,
        images=tuple(ClaimedImage(image.name, image.reference, image.id, image.digests) for image in verdict.images),
        revision=None if revision is None else ClaimedRevision(revision.commit, revision.clean),
    )


def _finding(finding: Finding) -> ClaimedFinding:
    return ClaimedFinding(finding.id, finding.title, finding.where, finding.environments)


def statement(run: SavedRun) -> bytes:
    """The statement, as the bytes that are signed."""
    predicate = claimed(run)
    return msgspec.json.encode(Statement(tuple(_subjects(predicate)), PREDICATE_TYPE, predicate))


def _subjects(predicate: Claimed) -> Iterator[ResourceDescriptor]:
    """The backend's images, the commit, and the backend's file: in-toto asks for one at least."""
    for image in predicate.backend_images:
        for digest in image.all_digests:
            algorithm, _, digits = digest.partition(":")
            yield ResourceDescriptor(image.reference, {algorithm: digits})
    if predicate.revision is not None:
        yield ResourceDescriptor(predicate.backend, {"gitCommit": predicate.revision.commit})
    for path, digest in predicate.files.items():
        yield ResourceDescriptor(path, {"sha256": digest})


def _make(run: SavedRun) -> bytes:
    from envparity.report.attestation.envelope import sealed
    from envparity.report.attestation.keys import signer

    return sealed(statement(run), signer())


def _check() -> None:
    from envparity.report.attestation.keys import signer

    signer()


REPORT = Report(
    "Write the verdict for `envparity verify`, signed with the key of ENVPARITY_SIGNING_KEY (or _FILE).",
    lambda run, _rules: _make(run),
    _check,
)
