"""Controllers of which no replica leads."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of

FAMILY = Family(
    id="leaders",
    shows_in=("pods", "controllers"),
    mistaken_for=("crash_code", "rbac_denied", "dependency_unavailable", "rollout_stuck"),
    look_at=("leases", "pods", "said"),
)
_one = of(FAMILY, "kubernetes.io: Leases; k8s.io/client-go tools/leaderelection")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="leader_lease_expired",
        en="No replica of the controller leads: its lease is not renewed",
        fr="Aucun réplica du contrôleur n'est leader : son bail n'est pas renouvelé",
        symptoms="custom resources are not acted on, while the controller's pods look well",
        evidence="Lease with renewTime long past its leaseDurationSeconds; its holder is a pod that is gone or hangs",
        evidence_fr="Lease dont renewTime dépasse largement leaseDurationSeconds ; son détenteur est un pod disparu ou bloqué",
        confounders="a lease that a controller of long ago left behind",
        plans="",
    ),
)
