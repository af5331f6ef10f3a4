"""What metrics alone tell: latency, errors, load."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.regressions.facts import GreedyNeighbour, Overrun

FAMILY = Family(
    id="regressions",
    shows_in=("pods", "metrics"),
    mistaken_for=(
        "cpu_throttling",
        "pod_network_delay",
        "node_network_delay",
        "latency_regression",
    ),
    told_by="metrics",
    look_at=("history", "said", "usage"),
)
_one = of(FAMILY, "Datadog metrics around the alert")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="noisy_neighbour",
        en="Another workload takes the node's CPU",
        fr="Une autre application prend le CPU du nœud",
        symptoms="latency up",
        evidence="the node's CPU is full; a pod without limit on it rose; the slow pod's own CPU did not",
        evidence_fr="le CPU du nœud est plein ; celui d'un pod sans limite y a monté, pas celui du pod lent",
        confounders="its own limit",
        plans="a CPU limit and request for the neighbour from its usage; a request for the one that suffers",
        severity="medium",
        measured=True,
        facts=GreedyNeighbour,
        look_at=("usage", "on_node", "node_usage"),
    ),
    _one(
        id="load_surge",
        en="More requests come than it was sized for",
        fr="Plus de requêtes que prévu",
        symptoms="latency and CPU up together",
        evidence="requests rise first, CPU and latency with them",
        evidence_fr="les requêtes montent d'abord, le CPU et la latence avec elles",
        confounders="retries of callers",
        plans="replicas by the rise of requests",
        severity="medium",
        handoff="capacity",
        measured=True,
        facts=Overrun,
        look_at=("usage", "autoscalers", "pods"),
    ),
    _one(
        id="latency_regression",
        en="Latency rose without a visible cause",
        fr="La latence a augmenté sans cause visible",
        symptoms="latency up",
        evidence="a change point in latency; CPU, traffic and callees stay",
        evidence_fr="une rupture de la latence ; le CPU, le trafic et les services appelés ne bougent pas",
        confounders="a slow dependency",
        plans="",
        severity="medium",
        handoff="not_enough_evidence",
        nature="symptom",
        yields_to=(
            "cpu_throttling",
            "bad_rollout",
            "cpu_saturation",
            "pod_network_delay",
            "load_surge",
        ),
        of_a_callee=True,
        measured=True,
    ),
    _one(
        id="error_rate_regression",
        en="Errors rose without a visible cause",
        fr="Les erreurs ont augmenté sans cause visible",
        symptoms="error rate up",
        evidence="a change point in errors; pods run on",
        evidence_fr="rupture nette des erreurs ; les pods tournent toujours",
        confounders="a slow dependency",
        plans="",
        severity="medium",
        handoff="not_enough_evidence",
        nature="symptom",
        yields_to=(
            "init_container_failing",
            "crash_code",
            "bad_rollout",
            "rollout_stuck",
            "pods_not_created",
            "job_failing",
            "dependency_unavailable",
            "upstream_errors",
            "pod_network_delay",
        ),
        yields_to_causes=True,
        of_a_callee=True,
        measured=True,
    ),
)
