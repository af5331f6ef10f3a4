"""Whether the cluster refuses K-Fix's real writes, proven by one that cannot change anything.

The probe is a real PATCH, not a dry-run, whose merge patch is ``{"metadata": {}}``: RFC 7396 makes of it the same
object, and the API server stores nothing for an update without a difference. Admission comes before that, so that the
shipped policy (``deploy/kubernetes/1-admission-policy.yaml``) refuses it with its own words, and a cluster without
the policy or its binding accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kfix.infra.clients.kubernetes.refusals import RejectedByServer
from kfix.texts import say
from schemas import errors
from schemas.text import cut

LockState = Literal["locked", "unlocked", "unknown"]
#: A merge patch that leaves any object as it is.
NOTHING: dict[str, Any] = {"metadata": {}}
PROBE_PATH = "/api/v1/namespaces/{namespace}/configmaps/{name}"
#: The shipped policy's message: whoever renames the policy keeps it.
POLICY_SAYS = "K-Fix may only dry-run"


@dataclass(frozen=True, slots=True)
class LockProof:
    """What one probe showed. ``why``: in words for people, empty when the lock holds."""

    state: LockState
    why: str = ""


def proof_of(answer: errors.KFixError | None) -> LockProof:
    """What the probe's answer proves: ``None`` stands for success."""
    if answer is None:
        return LockProof(
            "unlocked",
            say("safety.lock.open"),
        )
    if isinstance(answer, RejectedByServer) and POLICY_SAYS in str(answer):
        return LockProof("locked")
    if isinstance(answer, errors.NotFound):
        return LockProof("unknown", cut(say("safety.lock.probe_absent", why=str(answer)), 300))
    if isinstance(answer, errors.Unauthorized):
        return LockProof("unknown", cut(say("safety.lock.not_tried", why=str(answer)), 300))
    why = f"{answer.reason}: {answer}"
    return LockProof("unknown", cut(say("safety.lock.failed", why=why), 300))
