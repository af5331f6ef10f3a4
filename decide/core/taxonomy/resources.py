"""Memory, CPU, disk, handles and autoscalers."""

from __future__ import annotations

from decide.core.taxonomy.entry import FailureClass, of

_one = of("resources", "kubernetes.io: Resource Management for Pods and Containers")
_hpa = of("resources", "kubernetes.io: Horizontal Pod Autoscaling; pkg/controller/podautoscaler", severity="medium")  # fmt: skip

CLASSES: tuple[FailureClass, ...] = (
    _one(id="oom_killed", en="The container is killed because it needs more memory than its limit",
         fr="Le conteneur est tué : il dépasse sa limite de mémoire",
         symptoms="restarts, CrashLoopBackOff, 5xx while it starts again",
         evidence="lastState reason OOMKilled; exit 137 with no failed probe; runc: container init was OOM-killed; OOMKilling event",
         confounders="exit 137 after a failed liveness probe; memory pressure of the node; a leak",
         plans="memory from measured peak plus head-room, else a documented step; only the limit; the last good revision"),
    _one(id="memory_leak", en="Memory grows steadily until the limit: a leak",
         fr="La mémoire croît sans cesse jusqu'à la limite : une fuite",
         symptoms="restarts at regular intervals, memory like a saw", evidence="working set grows in a straight line to the limit",
         confounders="growth with load; warm-up", plans="", handoff="code_defect"),
    _one(id="heap_exhausted", en="The language runtime's heap is full although the container has memory left",
         fr="Le tas du runtime est plein alors que le conteneur a encore de la mémoire",
         symptoms="exit 1, 3 or 134, long pauses before it", evidence="java.lang.OutOfMemoryError: Java heap space; JavaScript heap out of memory",
         confounders="the container's own limit (OOMKilled); a leak", plans="a larger heap where the environment sets one; more memory; the last good revision"),
    _one(id="cpu_throttling", en="The container is throttled at its CPU limit", fr="Le conteneur est bridé à sa limite de CPU",
         symptoms="latency up, no restarts", evidence="throttled periods or seconds high while usage is at the limit",
         confounders="busy neighbour on the node; short peaks at start", plans="CPU from the usage percentile; replicas", severity="medium"),
    _one(id="ephemeral_storage_exceeded", en="The pod is evicted for its use of local disk",
         fr="Le pod est évincé pour son usage du disque local", symptoms="Evicted pods, new ones come up",
         evidence="Pod ephemeral local storage usage exceeds the total limit; Container … exceeded its local ephemeral storage limit; Usage of EmptyDir volume … exceeds the limit",
         confounders="disk pressure by others", plans="raise the ephemeral-storage or the emptyDir limit"),
    _one(id="file_descriptors_exhausted", en="The program has no file descriptor left",
         fr="Le programme n'a plus de descripteur de fichier", symptoms="connections refused while the process runs",
         evidence="too many open files; EMFILE", confounders="the peer's limits", plans="", handoff="code_defect"),
    _one(id="threads_exhausted", en="The program can start no thread or process: its pid limit is reached",
         fr="Le programme ne peut plus créer de thread : limite de PID atteinte", symptoms="crashes under load, memory is free",
         evidence="unable to create native thread; fork: Resource temporarily unavailable", confounders="heap exhausted", plans="",
         handoff="code_defect"),
    _one(id="connection_pool_exhausted", en="The program's own connection pool is empty",
         fr="Le pool de connexions de l'application est épuisé", symptoms="time-outs under load while the database is idle",
         evidence="HikariPool … request timed out; QueuePool limit of size …; Could not get a resource from the pool",
         confounders="the database's own connection limit; a slow query", plans="a larger pool where the environment sets its size",
         severity="medium", handoff="code_defect"),
    _hpa(id="autoscaler_at_ceiling", en="The autoscaler has reached its maximum and load still exceeds the target",
         fr="L'autoscaler est à son maximum et la charge dépasse encore la cible", symptoms="latency up, CPU above target",
         evidence="HPA condition ScalingLimited True, reason TooManyReplicas; currentReplicas = maxReplicas; metric above target",
         confounders="maxReplicas equal to minReplicas on purpose", plans="raise maxReplicas; larger requests"),
    _hpa(id="autoscaler_without_metrics", en="The autoscaler cannot read its metric", fr="L'autoscaler ne peut pas lire sa métrique",
         symptoms="replicas stay while load changes", evidence="HPA condition ScalingActive False; FailedGetResourceMetric; missing request for cpu",
         confounders="pods that just started", plans="add the missing request from usage"),
    _hpa(id="autoscaler_target_missing", en="The autoscaler's target does not exist", fr="La cible de l'autoscaler n'existe pas",
         symptoms="replicas stay while load changes", evidence="HPA condition AbleToScale False, reason FailedGetScale",
         confounders="a target that is being created", plans="the workload of the nearest name"),
    _hpa(id="autoscaler_conflict", en="Two controllers fight over the same pods' size or number",
         fr="Deux contrôleurs se disputent la taille ou le nombre des mêmes pods",
         symptoms="replicas or requests swing, pods are evicted again and again",
         evidence="a VerticalPodAutoscaler in mode Auto and an HPA on the same resource; two HPAs on one target; AmbiguousSelector",
         confounders="a recommender alone (updateMode Off)", plans="the VPA recommends only (updateMode Off)"),
)  # fmt: skip
