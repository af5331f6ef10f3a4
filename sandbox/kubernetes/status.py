"""Refusals as the API server words them: ``kind: Status`` with code, reason, details and causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.kubernetes.kinds import Kind


@dataclass(frozen=True, slots=True)
class Flaw:
    """One invalid field. ``reason`` is Kubernetes' word, such as ``FieldValueInvalid``."""

    field: str
    reason: str
    message: str


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details
        self.metadata = metadata or {}

    def body(self) -> dict[str, Any]:
        """The ``Status`` object; like the real one it leaves out what is empty."""
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata}
        body |= {"status": "Failure", "message": str(self)}
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body | {"code": self.code}


def _details(kind: Kind, name: str) -> dict[str, str]:
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}


def bad_request(message: str) -> Refusal:
    """400."""
    return Refusal(400, "BadRequest", message)


def not_found(kind: Kind, name: str) -> Refusal:
    """404 for an object."""
    return Refusal(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_resource() -> Refusal:
    """404 for a path below a served version."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str) -> Refusal:
    """409 for a create."""
    message = f'{kind.resource} "{name}" already exists'
    return Refusal(409, "AlreadyExists", message, _details(kind, name))


def modified(kind: Kind, name: str) -> Refusal:
    """409 for a stale resourceVersion."""
    message = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": the object has been modified;'
        " please apply your changes to the latest version and try again"
    )
    return Refusal(409, "Conflict", message, _details(kind, name))


def forbidden(kind: Kind, name: str, message: str) -> Refusal:
    """403 by admission."""
    what = f'{kind.resource} "{name}"' if name else kind.resource
    return Refusal(403, "Forbidden", f"{what} is forbidden: {message}", _details(kind, name))


def invalid(kind: Kind, name: str, flaws: Sequence[Flaw]) -> Refusal:
    """422 with one cause per flaw."""
    texts = [f"{flaw.field}: {flaw.message}" for flaw in flaws]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    what = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    causes = [{"reason": f.reason, "message": f.message, "field": f.field} for f in flaws]
    details = {k: v for k, v in _details(kind, name).items() if k != "kind"}
    details_all = {**details, "kind": kind.kind, "causes": causes}
    return Refusal(422, "Invalid", f'{what} "{name}" is invalid: {said}', details_all)


def bad_patch(patch: str, message: str) -> Refusal:
    """422 for a patch that gives no object of the kind."""
    flaw = f'Invalid value: "{patch}": {message}'
    cause = {"reason": "FieldValueInvalid", "message": flaw, "field": "patch"}
    return Refusal(422, "Invalid", f' "" is invalid: patch: {flaw}', {"causes": [cause]})
