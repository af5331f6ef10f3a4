"""The closed set of failure classes. Ids are stable: they are in fingerprints, outcomes and history.

``docs/failure-classes.md`` is made from this table (``python -m decide.core.taxonomy``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from schemas.base import Severity
from schemas.plans import AbstentionReason

Family = Literal[
    "resources", "admission", "scheduling", "startup", "runtime", "services",
    "dependencies", "performance", "nodes", "nothing", "human",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FailureClass:
    """A kind of failure: what people read about it, and whether a manifest can mend it."""

    id: str
    family: Family
    en: str
    fr: str
    #: What decides it, as programs write it.
    evidence: str
    #: What looks like it and is not.
    confounders: str
    #: Plans in order; empty: nothing in the manifests mends it.
    plans: str
    #: Where the mechanism or the message is documented.
    source: str
    severity: Severity = "high"
    #: Why people are asked when there is no plan.
    handoff: AbstentionReason = "outside_manifests"


CLASSES: dict[str, FailureClass] = {}


def _add(  # noqa: PLR0917
    family: Family, id_: str, en: str, fr: str, evidence: str, confounders: str, plans: str,
    source: str, severity: Severity = "high", handoff: str = "outside_manifests",
) -> None:  # fmt: skip
    CLASSES[id_] = FailureClass(
        id_,
        family,
        en,
        fr,
        evidence,
        confounders,
        plans,
        source,
        severity,
        cast(AbstentionReason, handoff),
    )


_R = "kubernetes.io: Resource Management for Pods and Containers"
_add(
    "resources",
    "oom_killed",
    "The container is killed because it needs more memory than its limit",
    "Le conteneur est tué : il dépasse sa limite de mémoire",
    "lastState reason OOMKilled; exit 137 with no failed probe; runc: container init was OOM-killed; OOMKilling event",
    "exit 137 after a failed liveness probe; memory pressure of the node; a leak",
    "memory from measured peak plus head-room; else a documented step; rollback",
    _R,
)
_add(
    "resources",
    "memory_leak",
    "Memory grows steadily until the limit: a leak",
    "La mémoire croît sans cesse jusqu'à la limite : une fuite",
    "working set grows monotonically across restarts",
    "growth with load; warm-up",
    "",
    _R,
    "high",
    "code_defect",
)
_add(
    "resources",
    "cpu_throttling",
    "The container is throttled at its CPU limit",
    "Le conteneur est bridé à sa limite de CPU",
    "throttled periods or seconds high while usage is at the limit",
    "busy neighbour on the node; short peaks at start",
    "CPU from the usage percentile; replicas",
    _R,
    "medium",
)
_add(
    "resources",
    "ephemeral_storage_exceeded",
    "The pod is evicted for its use of local disk",
    "Le pod est évincé pour son usage du disque local",
    "Pod ephemeral local storage usage exceeds the total limit; The node was low on resource: ephemeral-storage",
    "disk pressure by others",
    "raise the ephemeral-storage limit",
    _R,
)
_add(
    "resources",
    "autoscaler_at_ceiling",
    "The autoscaler has reached its maximum and load still exceeds the target",
    "L'autoscaler est à son maximum et la charge dépasse encore la cible",
    "HPA condition ScalingLimited True, reason TooManyReplicas; currentReplicas = maxReplicas; metric above target",
    "maxReplicas equal to minReplicas on purpose",
    "raise maxReplicas; larger requests",
    "kubernetes.io: Horizontal Pod Autoscaling",
    "medium",
)
_add(
    "resources",
    "autoscaler_without_metrics",
    "The autoscaler cannot read its metric",
    "L'autoscaler ne peut pas lire sa métrique",
    "HPA condition ScalingActive False; FailedGetResourceMetric; missing request for cpu",
    "pods that just started",
    "add the missing request",
    "kubernetes.io: Horizontal Pod Autoscaling",
    "medium",
)

_Q = "k8s.io/apiserver plugin/pkg/admission/resourcequota: exceeded quota"
for _res, _en, _fr in (
    ("cpu", "CPU", "CPU"), ("memory", "memory", "mémoire"), ("pods", "pods", "pods"),
    ("services", "services", "services"), ("storage", "storage", "stockage"), ("objects", "objects", "objets"),
):  # fmt: skip
    _add(
        "admission",
        f"quota_{_res}_exceeded",
        f"The namespace's quota for {_en} is used up",
        f"Le quota du namespace pour {_fr} est épuisé",
        "forbidden: exceeded quota: NAME, requested: …, used: …, limited: …; an object that is declared is missing",
        "a workload that asks for far too much; leftovers that hold the quota",
        "raise the quota's hard value to what is declared; smaller requests",
        _Q,
    )
_add(
    "admission",
    "quota_needs_values",
    "The quota demands requests or limits that the pod does not state",
    "Le quota exige des requests ou limits absents du pod",
    "failed quota: NAME: must specify …",
    "LimitRange defaults",
    "state the missing values",
    _Q,
)
_add(
    "admission",
    "limit_range_violated",
    "The pod breaks the namespace's LimitRange",
    "Le pod viole le LimitRange du namespace",
    "maximum cpu usage per Container is …; minimum memory usage per …",
    "quota",
    "values within the range",
    "k8s.io/kubernetes plugin/pkg/admission/limitranger",
)
_add(
    "admission",
    "missing_service_account",
    "The ServiceAccount that the pods name does not exist",
    "Le ServiceAccount nommé par les pods n'existe pas",
    'error looking up service account NS/NAME: serviceaccount "NAME" not found, and no pods',
    "the account came seconds after its pods at installation",
    "name an existing account; create the account",
    "k8s.io/kubernetes plugin/pkg/admission/serviceaccount",
)
_add(
    "admission",
    "pod_security_violation",
    "Pod security admission refuses the pods",
    "L'admission de sécurité refuse les pods",
    'violates PodSecurity "…"; unable to validate against any security context constraint',
    "warnings only",
    "",
    "kubernetes.io: Pod Security Admission",
)
_add(
    "admission",
    "webhook_refused",
    "An admission webhook refuses the pods",
    "Un webhook d'admission refuse les pods",
    'admission webhook "…" denied the request',
    "webhook down",
    "",
    "kubernetes.io: Dynamic Admission Control",
)
_add(
    "admission",
    "webhook_unavailable",
    "An admission webhook does not answer",
    "Un webhook d'admission ne répond pas",
    'failed calling webhook "…"',
    "webhook refuses",
    "",
    "kubernetes.io: Dynamic Admission Control",
    "critical",
)
_add(
    "admission",
    "rbac_denied",
    "The workload lacks a permission at the API server",
    "Il manque une permission à l'application auprès de l'API",
    'User "system:serviceaccount:…" cannot … resource',
    "a probe of optional features",
    "",
    "kubernetes.io: RBAC",
)

_S = "k8s.io/kubernetes pkg/scheduler/framework/plugins"
for _id, _en, _fr, _ev, _pl in (
    ("insufficient_cpu", "No node has the CPU that the pods request", "Aucun nœud n'a le CPU demandé", "Insufficient cpu",
     "request from measured usage or what fits"),
    ("insufficient_memory", "No node has the memory that the pods request", "Aucun nœud n'a la mémoire demandée",
     "Insufficient memory", "request from measured usage or what fits"),
    ("node_selector_mismatch", "No node carries the labels of the nodeSelector", "Aucun nœud ne porte les labels du nodeSelector",
     "node(s) didn't match Pod's node affinity/selector", "the nearest selector that a node has"),
    ("node_affinity_mismatch", "No node satisfies the required node affinity", "Aucun nœud ne satisfait l'affinité requise",
     "node(s) didn't match Pod's node affinity/selector", "values that nodes have"),
    ("pod_affinity_mismatch", "No node satisfies the required pod affinity", "Aucun nœud ne satisfait l'affinité de pods",
     "node(s) didn't match pod affinity rules", ""),
    ("pod_anti_affinity_conflict", "Required anti-affinity leaves no node for another pod",
     "L'anti-affinité requise ne laisse aucun nœud libre", "node(s) didn't match pod anti-affinity rules",
     "replicas that nodes can hold; preferred instead of required"),
    ("taint_not_tolerated", "Every node that fits has a taint that the pods do not tolerate",
     "Chaque nœud possible porte un taint non toléré", "node(s) had untolerated taint {key: value}", "the toleration"),
    ("node_cordoned", "The only nodes that fit are cordoned", "Les seuls nœuds possibles sont isolés (cordon)",
     "node(s) were unschedulable", ""),
    ("topology_spread_unsatisfied", "Topology spread constraints leave no node", "Les contraintes de répartition excluent tout nœud",
     "node(s) didn't match pod topology spread constraints", "ScheduleAnyway"),
    ("host_port_conflict", "The host port is taken on every node", "Le port de l'hôte est pris sur chaque nœud",
     "node(s) didn't have free ports", ""),
    ("too_many_pods", "Nodes hold as many pods as they may", "Les nœuds sont au maximum de pods", "Too many pods", ""),
    ("pvc_missing", "The claim that the pods mount does not exist", "Le PVC monté par les pods n'existe pas",
     'persistentvolumeclaim "…" not found', "create the declared claim"),
    ("pvc_storage_class_mismatch", "The claim's storage class does not exist or fits no volume",
     "La classe de stockage du PVC n'existe pas ou ne convient à aucun volume", 'storageclass.storage.k8s.io "…" not found',
     "the class that a free volume or the cluster has"),
    ("pvc_capacity_mismatch", "No free volume is as large as the claim asks", "Aucun volume libre n'a la taille demandée",
     "unbound; every other attribute of a free volume fits", "the size that a free volume has"),
    ("pvc_access_mode_mismatch", "No free volume offers the claim's access mode", "Aucun volume libre n'offre le mode d'accès demandé",
     "unbound; every other attribute of a free volume fits", "the mode that a free volume has"),
    ("pvc_selector_mismatch", "No free volume carries the labels of the claim's selector",
     "Aucun volume libre ne porte les labels du sélecteur", "unbound; every other attribute of a free volume fits",
     "the labels that a free volume has"),
    ("pv_bound_elsewhere", "The fitting volume is bound to another claim", "Le volume adéquat est lié à un autre PVC",
     "spec.claimRef names another claim", ""),
    ("volume_node_conflict", "The volume is on a node or zone where the pods may not run",
     "Le volume est sur un nœud ou une zone interdits aux pods", "node(s) had volume node affinity conflict", ""),
    ("pvc_pending", "The claim is not bound", "Le PVC n'est pas lié", "unbound immediate PersistentVolumeClaims", ""),
):  # fmt: skip
    _add(
        "scheduling",
        _id,
        _en,
        _fr,
        _ev,
        "another filter that excludes the rest of the nodes",
        _pl,
        _S,
    )

_P = "containerd image pull errors; kubelet events Failed, ErrImagePull"
for _id, _en, _fr, _ev, _pl in (
    ("image_not_found", "The image or tag does not exist in its registry", "L'image ou le tag n'existe pas dans le registre",
     "not found; manifest unknown; InvalidImageName", "the image that ran before"),
    ("image_registry_unreachable", "The registry's name does not resolve or it does not answer",
     "Le registre ne se résout pas ou ne répond pas", "lookup … no such host; i/o timeout; connection refused on pull",
     "the registry that siblings use; the image that ran before"),
    ("image_pull_secret_missing", "The pull secret is missing or wrong", "Le secret de pull manque ou est faux",
     "FailedToRetrieveImagePullSecret; 401 Unauthorized; denied; authentication required", "an existing pull secret"),
    ("image_platform_mismatch", "The image is built for another platform", "L'image vise une autre plateforme",
     "no match for platform in manifest; exec format error", "the image that ran before"),
    ("config_reference_missing", "A ConfigMap or Secret (or a key of it) that the pods need does not exist",
     "Un ConfigMap ou Secret (ou une clé) requis n'existe pas",
     'CreateContainerConfigError: secret "…" not found; couldn\'t find key … in …; FailedMount', "the reference that exists"),
    ("bad_command", "The container's command cannot be run", "La commande du conteneur ne peut être exécutée",
     "exec: \"…\": executable file not found in $PATH; no such file or directory; exit 126, 127", "the command that ran before"),
    ("volume_permission_denied", "The process may not write or read its volume", "Le processus n'a pas accès à son volume",
     "Permission denied; Read-only file system; Operation not permitted on a mounted path", "fsGroup of the image's user"),
    ("volume_mount_failed", "A volume cannot be mounted", "Un volume ne peut être monté", "FailedMount; FailedAttachVolume", ""),
    ("init_container_failing", "An init container fails", "Un conteneur d'initialisation échoue", "Init:Error, Init:CrashLoopBackOff", ""),
    ("container_create_failed", "The runtime cannot create the container", "Le runtime ne peut créer le conteneur",
     "CreateContainerError; RunContainerError", "rollback"),
    ("missing_env", "A required environment variable is missing", "Une variable d'environnement requise manque",
     "the program says so before it exits", ""),
):  # fmt: skip
    _add("startup", _id, _en, _fr, _ev, "an old pull of a pod that is gone", _pl, _P)

_L = "kubernetes.io: Configure Liveness, Readiness and Startup Probes; kubelet event Unhealthy"
for _probe, _pfr in (("liveness", "liveness"), ("readiness", "readiness"), ("startup", "startup")):
    for _what, _wfr in (
        ("port", "port"),
        ("protocol", "protocole"),
        ("path", "chemin"),
        ("timing", "délai"),
    ):
        _add("runtime", f"{_probe}_probe_{_what}", f"The {_probe} probe has the wrong {_what}",
             f"La sonde {_pfr} a un mauvais {_wfr}",
             "Unhealthy event of this probe; the container's ports; what the other probe does",
             "the program is down or slow and the probe is right", f"the probe's {_what}", _L)  # fmt: skip
for _id, _en, _fr, _ev, _pl, _ho in (
    ("crash_bad_config", "The program exits because of its configuration", "Le programme s'arrête à cause de sa configuration",
     "exit code with a configuration error in the log", "the configuration that ran before", "outside_manifests"),
    ("crash_code", "The program crashes by itself", "Le programme s'arrête de lui-même", "CrashLoopBackOff; panic, traceback",
     "the revision that ran before", "code_defect"),
    ("bad_rollout", "It fails since the last revision; the previous one works", "En échec depuis la dernière révision",
     "old ReplicaSet ready, new one not", "the previous revision", "code_defect"),
    ("sidecar_port_conflict", "Two containers of the pod want the same port", "Deux conteneurs du pod veulent le même port",
     "Address already in use; Port N was already in use", "another port", "outside_manifests"),
    ("zero_replicas", "The workload is scaled to zero", "L'application est réduite à zéro réplica", "spec.replicas 0 and a Service that needs it",
     "the declared replicas", "outside_manifests"),
    ("pods_not_created", "The controller does not create the pods", "Le contrôleur ne crée pas les pods", "FailedCreate", "", "not_enough_evidence"),
    ("job_failing", "The job keeps failing", "La tâche échoue", "BackoffLimitExceeded; DeadlineExceeded", "", "code_defect"),
    ("cron_suspended", "The cron job is suspended", "La tâche planifiée est suspendue", "spec.suspend true", "", "outside_manifests"),
    ("disruption_budget_blocks", "A PodDisruptionBudget allows no disruption", "Un PDB n'autorise aucune interruption",
     "disruptionsAllowed 0", "", "outside_manifests"),
    ("finalizer_stuck", "An object waits for its finalizer", "Un objet attend son finalizer", "deletionTimestamp old, finalizers left", "",
     "data_loss_risk"),
):  # fmt: skip
    _add(
        "runtime",
        _id,
        _en,
        _fr,
        _ev,
        "a dependency that is down",
        _pl,
        "kubernetes.io: Workloads",
        "high",
        _ho,
    )

_V = "kubernetes.io: Service"
for _id, _en, _fr, _ev, _pl in (
    ("service_selector_mismatch", "The Service's selector matches no pod", "Le sélecteur du Service ne vise aucun pod",
     "no endpoints while the pods it means are ready", "the pods' labels"),
    ("service_port_mismatch", "The Service's target port is none of the pods' ports", "Le targetPort du Service n'est pas un port des pods",
     "target port not among container ports; connection refused by ClusterIP", "the container's port"),
    ("service_protocol_mismatch", "The Service speaks another transport protocol than the pods",
     "Le Service et les pods n'ont pas le même protocole", "protocol UDP against TCP on the same port", "the container's protocol"),
    ("env_address_mismatch", "The workload calls an address that no Service has", "L'application appelle une adresse sans Service",
     "host or port in the environment without Service; no such host", "the Service's name and port"),
    ("dns_config_broken", "The pods cannot resolve names: their DNS settings are wrong", "Les pods ne résolvent aucun nom : DNS mal réglé",
     "dnsPolicy None with foreign nameservers; temporary failure in name resolution", "dnsPolicy ClusterFirst"),
    ("cluster_dns_down", "The cluster's DNS does not answer", "Le DNS du cluster ne répond pas", "DNS pods not ready", ""),
    ("route_backend_mismatch", "A route sends requests to the wrong backend", "Une route mène au mauvais service",
     "404 on a path whose route names another service", "the right backend"),
    ("network_policy_blocks", "A NetworkPolicy blocks the traffic", "Une NetworkPolicy bloque le trafic",
     "connection timed out; a policy selects the pods and allows nobody", ""),
    ("mesh_policy_blocks", "The mesh refuses or drops the traffic", "Le maillage refuse le trafic", "RBAC: access denied; UF, UH, NR", ""),
    ("certificate_invalid", "A certificate has expired or is not trusted", "Un certificat a expiré ou n'est pas reconnu",
     "x509: certificate has expired", ""),
):  # fmt: skip
    _add("services", _id, _en, _fr, _ev, "pods that are down", _pl, _V)

for _id, _en, _fr, _ev, _pl, _ho in (
    ("database_credentials_invalid", "The database refuses the workload's credentials", "La base refuse les identifiants",
     "1045 Access denied for user; 28P01 password authentication failed; NOAUTH; SASL authentication failed", "", "outside_manifests"),
    ("database_port_wrong", "The workload calls its database at a port where nothing listens", "L'application appelle sa base au mauvais port",
     "Communications link failure / connection refused while the database is ready", "", "outside_manifests"),
    ("database_connections_exhausted", "The database has no connection left", "La base n'a plus de connexion libre",
     "1040 Too many connections; 53300 too many clients already", "", "capacity"),
    ("database_read_only", "The database accepts no writes", "La base n'accepte aucune écriture",
     "1290 --read-only option; 25006 read-only transaction; READONLY You can't write against a read only replica", "", "data_loss_risk"),
    ("database_disk_full", "The database's disk is full", "Le disque de la base est plein", "No space left on device; 1114; 53100", "", "data_loss_risk"),
    ("dependency_unavailable", "A dependency is down", "Une dépendance est indisponible", "connection refused to a Service without ready pods", "",
     "not_enough_evidence"),
    ("broker_unavailable", "The message broker is down", "Le courtier de messages est indisponible", "AMQP, Kafka connection errors", "",
     "not_enough_evidence"),
):  # fmt: skip
    _add(
        "dependencies",
        _id,
        _en,
        _fr,
        _ev,
        "the workload's own fault",
        _pl,
        "MySQL error reference; PostgreSQL Appendix A; Redis",
        "high",
        _ho,
    )

for _id, _en, _fr, _ev, _pl, _ho in (
    ("cpu_saturation", "The workload uses all CPU that it may", "L'application consomme tout le CPU permis", "CPU and throttling rise with latency",
     "CPU from the usage percentile; replicas", "capacity"),
    ("pod_network_delay", "The network of one workload is slow or loses packets", "Le réseau d'une application est lent",
     "latency up, CPU not; callers only follow", "", "outside_manifests"),
    ("latency_regression", "Latency rose without a visible cause", "La latence a augmenté sans cause visible", "latency metric", "",
     "not_enough_evidence"),
):  # fmt: skip
    _add(
        "performance",
        _id,
        _en,
        _fr,
        _ev,
        "a slow dependency",
        _pl,
        "Datadog metrics around the alert",
        "medium",
        _ho,
    )

for _id, _en, _fr, _ev in (
    ("node_runtime_unavailable", "The node's container runtime does not run", "Le runtime de conteneurs du nœud est arrêté",
     "dial unix …containerd.sock; ContainerGCFailed; PLEG is not healthy"),
    ("node_kubelet_unavailable", "The node's kubelet does not report", "Le kubelet du nœud ne répond plus",
     "Ready Unknown: Kubelet stopped posting node status; NodeNotReady"),
    ("node_kube_proxy_unavailable", "kube-proxy does not run on the node", "kube-proxy est arrêté sur le nœud",
     "no Service reachable from one node"),
    ("scheduler_unavailable", "The scheduler does not run", "L'ordonnanceur est arrêté", "Pending pods without PodScheduled condition or event"),
    ("node_not_ready", "The node is not ready", "Le nœud n'est pas prêt", "Ready False"),
    ("node_pressure", "The node is short of memory, disk or process ids", "Le nœud manque de mémoire, de disque ou de PID",
     "MemoryPressure, DiskPressure, PIDPressure; Evicted"),
    ("node_network_delay", "The node's network is slow", "Le réseau du nœud est lent", "services of one node slow together"),
    ("node_network_loss", "The node's network loses packets", "Le réseau du nœud perd des paquets", "TCP retransmissions rise on one node"),
):  # fmt: skip
    _add(
        "nodes",
        _id,
        _en,
        _fr,
        _ev,
        "pods of one workload only",
        "",
        "kubernetes.io: Nodes",
        "critical",
    )

_add(
    "nothing",
    "healthy",
    "Nothing is wrong now",
    "Rien d'anormal à présent",
    "every workload available, no sign of trouble",
    "sources that are missing",
    "",
    "-",
    "low",
    "healthy",
)
_add("human", "undetermined", "The evidence does not tell the cause", "Les indices ne disent pas la cause", "-", "-", "", "-",
     "medium", "not_enough_evidence")  # fmt: skip


def title(class_id: str, language: str = "en") -> str:
    """The class in one sentence, in the language of messages. Raises KeyError for an unknown class."""
    found = CLASSES[class_id]
    return found.fr if language == "fr" else found.en


def table() -> str:
    """The content of ``docs/failure-classes.md``."""
    out = [
        "# Failure classes",
        "",
        "Made from `decide/core/taxonomy.py`; a test keeps it current.",
        "",
    ]
    family = ""
    for entry in CLASSES.values():
        if entry.family != family:
            family = entry.family
            out += ["", f"## {family}", "", "| class | meaning | decisive evidence | confounders | plans | source |",
                    "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
        cells = (f"`{entry.id}`", entry.en, entry.evidence, entry.confounders, entry.plans or "hand-off", entry.source)  # fmt: skip
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(table())
