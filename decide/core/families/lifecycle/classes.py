"""Rollouts that do not go on, budgets that block, objects that do not go."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.lifecycle.facts import HeldByBudget, StuckRollout

FAMILY = Family(
    id="lifecycle",
    shows_in=("pods", "controllers", "events"),
    mistaken_for=("crash_bad_config", "missing_env", "database_credentials_invalid", "bad_rollout"),
    look_at=("object", "history", "pods"),
)
_one = of(FAMILY, "kubernetes.io: Workloads")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="rollout_stuck",
        en="The rollout does not go on",
        fr="Le déploiement n'avance plus",
        symptoms="fewer updated pods than asked for",
        evidence="spec.paused; ProgressDeadlineExceeded without a sick pod; StatefulSet waiting for an ordinal",
        evidence_fr="spec.paused ; ProgressDeadlineExceeded sans pod en échec ; StatefulSet bloqué sur un ordinal",
        confounders="a rollout under way",
        plans="go on with a rollout that was paused; the previous revision",
        nature="symptom",
        yields_to_causes=True,
        facts=StuckRollout,
    ),
    _one(
        id="disruption_budget_blocks",
        en="A PodDisruptionBudget allows no disruption",
        fr="Un PDB n'autorise aucune interruption",
        symptoms="a drain or an upgrade that does not end",
        evidence="Cannot evict pod as it would violate the pod's disruption budget; disruptionsAllowed 0",
        confounders="pods that are down for another cause",
        plans="a replica more; maxUnavailable 1 where the budget can never allow one",
        severity="medium",
        facts=HeldByBudget,
        look_at=("budgets", "pods"),
    ),
    _one(
        id="finalizer_stuck",
        en="An object waits for its finalizer",
        fr="Un objet attend son finalizer",
        symptoms="Terminating for a long time",
        evidence="deletionTimestamp old, finalizers left; NamespaceFinalizersRemaining; NamespaceDeletionDiscoveryFailure",
        evidence_fr="deletionTimestamp ancien et finalizers restants ; NamespaceFinalizersRemaining ; NamespaceDeletionDiscoveryFailure",
        confounders="a grace period",
        plans="",
        source="kubernetes.io: Finalizers; pkg/controller/namespace/deletion",
        handoff="data_loss_risk",
        look_at=("declared", "events"),
    ),
)
