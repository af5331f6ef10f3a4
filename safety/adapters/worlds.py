"""What safety's ports answered, noted with the verdicts, and told again.

Files are not noted: the edits of each plan stand in the record, and the notes name them by what they leave. Objects are
masked before they are noted, as all objects in records are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from kfix.engine.runtime.worlds import Notebook, Told
from kfix.incident.redaction import mask_json
from manifests.proposal.proof import EditProof
from manifests.proposal.propose import EditProposal
from manifests.refused import EditRefused, RefusalCode
from manifests.repository.reach import Reach
from safety.ports import (
    ClusterChecks,
    ClusterDryRun,
    ClusterLock,
    ImagePresence,
    RepositoryFiles,
    SafetyPorts,
)
from schemas.base import Json
from schemas.images import ImageAnswer, RegistryAnswers
from schemas.plans import KubernetesChange
from schemas.text import Text, again, text_of
from schemas.validated import CheckResult, FileEdit, ValidatedPlans

_PORTS = ("repository", "cluster", "lock", "images")


def noting(ports: SafetyPorts, book: Notebook) -> SafetyPorts:
    """The same ports, whose answers are noted."""
    repository, cluster, lock, images = ports.repository, ports.cluster, ports.lock, ports.images
    book.note("ports", None, [name for name in _PORTS if getattr(ports, name) is not None])
    return replace(
        ports,
        repository=repository and NotedRepository(repository, book),
        cluster=cluster and NotedCluster(cluster, book),
        lock=lock and NotedLock(lock, book),
        images=images and NotedImages(images, book),
    )


def of_then(ports: SafetyPorts, told: Told, decided: ValidatedPlans) -> SafetyPorts:
    """Today's rules, and the answers of then. ``decided``: the record whose world is told."""
    there = told.answer("ports", None)
    checks = ClusterChecks(
        RepositoryOfThen(told, decided) if "repository" in there else None,
        ClusterOfThen(told) if "cluster" in there else None,
        LockOfThen(told) if "lock" in there else None,
    )
    return replace(
        ports,
        repository=checks.repository,
        cluster=checks.cluster,
        lock=checks.lock,
        several={own.name: checks for own in ports.fleet.clusters if ports.fleet.is_several},
        images=ImagesOfThen(told) if "images" in there else None,
    )


class NotedRepository:
    """``safety.ports.RepositoryFiles`` whose answers are noted."""

    def __init__(self, inner: RepositoryFiles, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]],
    ) -> EditProposal | EditRefused:
        """As the inner one."""
        question = _edit_question(changes, environment, live)
        asked = self._inner.propose(changes, environment, live)
        return await self._book.heard("repository", question, asked, _proposal_note)


class RepositoryOfThen:
    """``safety.ports.RepositoryFiles`` as it answered then."""

    def __init__(self, told: Told, decided: ValidatedPlans) -> None:
        self._told = told
        self._edits = {_left(edit): edit for plan in decided.plans for edit in plan.edits}

    async def propose(
        self,
        changes: Sequence[KubernetesChange],
        environment: str,
        live: Mapping[str, Mapping[str, str]],
    ) -> EditProposal | EditRefused:
        """The edits of then. Raises the failure of then, or NeverAsked."""
        question = _edit_question(changes, environment, live)
        said = self._told.answer("repository", question, _about(changes))
        if "refused" in said:
            code, reason = said["refused"]
            return EditRefused(cast(RefusalCode, code), _sentence(reason))
        proof = said["proof"]
        return EditProposal(
            tuple(self._edits[left] for left in said["edits"]),
            EditProof(
                proof["verdict"],
                _sentence(proof["reason"]),
                {name: _sentence(number) for name, number in proof["numbers"].items()},
                proof["objects"],
                *proof["flags"],
            ),
            tuple(Reach(kind, name, _sentence(said_by)) for kind, name, said_by in said["reaches"]),
        )


class NotedCluster:
    """``safety.ports.ClusterDryRun`` whose answers are noted."""

    def __init__(self, inner: ClusterDryRun, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        """As the inner one."""
        asked = self._inner.bounds(namespaces)
        return await self._book.heard("bounds", list(namespaces), asked, mask_json)

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        """As the inner one."""
        question = _dry_run_question(changes, edits, rendered)
        asked = self._inner.dry_run(changes, edits, rendered)
        return await self._book.heard("dry-run", question, asked, _model_note)


class ClusterOfThen:
    """``safety.ports.ClusterDryRun`` as it answered then."""

    def __init__(self, told: Told) -> None:
        self._told = told

    async def bounds(self, namespaces: Sequence[str]) -> Mapping[str, Sequence[Json]]:
        """The bounds of then. Raises the failure of then, or NeverAsked."""
        answer = self._told.answer("bounds", list(namespaces), ", ".join(namespaces))
        return cast(Mapping[str, Sequence[Json]], answer)

    async def dry_run(
        self,
        changes: Sequence[KubernetesChange],
        edits: Sequence[FileEdit],
        rendered: Mapping[str, Json],
    ) -> CheckResult:
        """The verdict of then. Raises the failure of then, or NeverAsked."""
        question = _dry_run_question(changes, edits, rendered)
        return CheckResult.model_validate(self._told.answer("dry-run", question, _about(changes)))


@dataclass(frozen=True, slots=True)
class LockSaid:
    """``safety.ports.LockReading`` of then."""

    state: Literal["locked", "unlocked", "unknown"]
    why: str


class NotedLock:
    """``safety.ports.ClusterLock`` whose answers are noted."""

    def __init__(self, inner: ClusterLock, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    def lock(self) -> LockSaid:
        """As the inner one."""
        found = self._inner.lock()
        self._book.note("lock", None, [found.state, _sentence_note(found.why)])
        return LockSaid(found.state, found.why)


class LockOfThen:
    """``safety.ports.ClusterLock`` as it answered then."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def lock(self) -> LockSaid:
        """The lock as it was proven then. Raises NeverAsked."""
        state, why = self._told.answer("lock", None)
        return LockSaid(state, _sentence(why))


class NotedImages:
    """``safety.ports.ImagePresence`` whose answers are noted."""

    def __init__(self, inner: ImagePresence, book: Notebook) -> None:
        self._inner = inner
        self._book = book

    async def images(
        self, references: Sequence[str], before: RegistryAnswers
    ) -> Sequence[ImageAnswer]:
        """As the inner one."""
        asked = self._inner.images(references, before)
        return await self._book.heard(
            "registry", list(references), asked, lambda found: [_model_note(one) for one in found]
        )


class ImagesOfThen:
    """``safety.ports.ImagePresence`` as it answered then."""

    def __init__(self, told: Told) -> None:
        self._told = told

    async def images(
        self, references: Sequence[str], before: RegistryAnswers
    ) -> Sequence[ImageAnswer]:
        """The answers of then. Raises the failure of then, or NeverAsked."""
        answers = self._told.answer("registry", list(references), ", ".join(references))
        return [ImageAnswer.model_validate(answer) for answer in answers]


def _about(changes: Sequence[KubernetesChange]) -> str:
    return ", ".join(change.object.key for change in changes)


def _model_note(model: CheckResult | ImageAnswer | KubernetesChange) -> Json:
    """Without defaults: a field of a later version changes no digest."""
    return model.model_dump(mode="json", exclude_defaults=True)


def _edit_question(
    changes: Sequence[KubernetesChange], environment: str, live: Mapping[str, Mapping[str, str]]
) -> Json:
    return [[_model_note(change) for change in changes], environment, live]


def _dry_run_question(
    changes: Sequence[KubernetesChange],
    edits: Sequence[FileEdit],
    rendered: Mapping[str, Json],
) -> Json:
    left = [_left(edit) for edit in edits]
    return [[_model_note(change) for change in changes], left, mask_json(dict(rendered))]


def _left(edit: FileEdit) -> str:
    """An edit, by what it makes of which file."""
    return f"{edit.project}\0{edit.path}\0{edit.ref}\0{edit.before_sha256}\0{edit.after_sha256}"


def _proposal_note(found: EditProposal | EditRefused) -> Json:
    if isinstance(found, EditRefused):
        return {"refused": [found.code, _sentence_note(found.reason)]}
    proof = found.proof
    return {
        "edits": [_left(edit) for edit in found.edits],
        "proof": {
            "verdict": proof.verdict,
            "reason": _sentence_note(proof.reason),
            "numbers": {name: _sentence_note(number) for name, number in proof.numbers.items()},
            "objects": mask_json(dict(proof.objects)),
            "flags": [proof.doubtful, proof.undeployed, proof.elsewhere],
        },
        "reaches": [[r.kind, r.name, _sentence_note(r.said_by)] for r in found.reaches],
    }


def _sentence_note(sentence: str) -> Json:
    """A sentence with what it says, where it knows it."""
    text = text_of(sentence)
    return str(sentence) if text is None else [str(sentence), text.model_dump(mode="json")]


def _sentence(note: Json) -> str:
    if isinstance(note, str):
        return note
    sentence, text = note
    return again(sentence, Text.model_validate(text))
