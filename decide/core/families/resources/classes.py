"""Memory and local disk of a container against their limits."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, Family, of
from decide.core.families.resources.facts import EvictedPod, KilledContainer

FAMILY = Family(
    id="resources",
    shows_in=("pods", "events"),
    mistaken_for=("oom_killed", "cpu_throttling", "load_surge", "node_pressure"),
    look_at=("pod", "usage", "declared"),
)
_one = of(FAMILY, "kubernetes.io: Resource Management for Pods and Containers")

CLASSES: tuple[FailureClass, ...] = (
    _one(
        id="oom_killed",
        en="The container is killed because it needs more memory than its limit",
        fr="Le conteneur est tué : il dépasse sa limite de mémoire",
        symptoms="restarts, CrashLoopBackOff, 5xx while it starts again",
        evidence="lastState reason OOMKilled; exit 137 with no failed probe; runc: container init was OOM-killed; OOMKilling event",
        evidence_fr="lastState OOMKilled ; code de sortie 137 sans sonde en échec ; runc: container init was OOM-killed ; événement OOMKilling",
        confounders="exit 137 after a failed liveness probe; memory pressure of the node; a leak",
        plans="memory from measured peak plus head-room, else a documented step; only the limit; the last good revision",
        mistaken_for=("memory_leak", "node_pressure", "load_surge"),
        yields_to=("memory_leak", "pod_resize_pending"),
        facts=KilledContainer,
    ),
    _one(
        id="memory_leak",
        en="Memory grows steadily until the limit: a leak",
        fr="La mémoire croît sans cesse jusqu'à la limite : une fuite",
        symptoms="restarts at regular intervals, memory like a saw",
        evidence="working set grows in a straight line to the limit",
        evidence_fr="la mémoire croît en ligne droite jusqu'à la limite",
        confounders="growth with load; warm-up",
        plans="",
        handoff="code_defect",
        mistaken_for=("oom_killed", "load_surge", "node_pressure"),
        look_at=("usage", "said", "history"),
    ),
    _one(
        id="ephemeral_storage_exceeded",
        en="The pod is evicted for its use of local disk",
        fr="Le pod est évincé pour son usage du disque local",
        symptoms="Evicted pods, new ones come up",
        evidence="Pod ephemeral local storage usage exceeds the total limit; Container … exceeded its local ephemeral storage limit; Usage of EmptyDir volume … exceeds the limit",
        confounders="disk pressure by others",
        plans="raise the ephemeral-storage or the emptyDir limit",
        facts=EvictedPod,
    ),
)
