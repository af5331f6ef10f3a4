"""Slow without being broken."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_one = of(
    "performance",
    "Datadog metrics around the alert",
    severity="medium",
    symptoms="latency up",
    confounders="a slow dependency",
)

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="cpu_saturation",
        en="The workload uses all CPU that it may",
        fr="L'application consomme tout le CPU permis",
        evidence="CPU and throttling rise with latency",
        plans="CPU from the usage percentile; replicas",
        handoff="capacity",
    ),
    _one(
        id="pod_network_delay",
        en="The network of one workload is slow or loses packets",
        fr="Le réseau d'une application est lent",
        evidence="latency up, CPU not; callers only follow",
        plans="",
    ),
    _one(
        id="noisy_neighbour",
        en="Another workload takes the node's CPU",
        fr="Une autre application prend le CPU du nœud",
        evidence="the node's CPU is full; a pod without limit on it rose; the slow pod's own CPU did not",
        confounders="its own limit",
        plans="a CPU limit and request for the neighbour from its usage; a request for the one that suffers",
    ),
    _one(
        id="load_surge",
        en="More requests come than it was sized for",
        fr="Plus de requêtes que prévu",
        symptoms="latency and CPU up together",
        evidence="requests rise first, CPU and latency with them",
        confounders="retries of callers",
        plans="replicas by the rise of requests",
        handoff="capacity",
    ),
    _one(
        id="latency_regression",
        en="Latency rose without a visible cause",
        fr="La latence a augmenté sans cause visible",
        evidence="a change point in latency; CPU, traffic and callees stay",
        plans="",
        handoff="not_enough_evidence",
    ),
    _one(
        id="error_rate_regression",
        en="Errors rose without a visible cause",
        fr="Les erreurs ont augmenté sans cause visible",
        symptoms="error rate up",
        evidence="a change point in errors; pods run on",
        plans="",
        handoff="not_enough_evidence",
    ),
)
