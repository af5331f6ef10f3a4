"""Objects that the API server refuses."""

from __future__ import annotations

from decide.core.families.entry import FailureClass, of

_quota = of(
    "admission",
    "k8s.io/apiserver plugin/pkg/admission/resourcequota: exceeded quota",
    symptoms="fewer pods or objects than declared, FailedCreate",
    evidence="forbidden: exceeded quota: NAME, requested: …, used: …, limited: …; an object that is declared is missing",
    confounders="a workload that asks for far too much; leftovers that hold the quota",
    plans="raise the quota's hard value to what is declared; fewer replicas that fit",
)
_QUOTAS = (
    ("cpu", "CPU", "le CPU"),
    ("memory", "memory", "la mémoire"),
    ("pods", "pods", "les pods"),
    ("services", "services", "les services"),
    ("storage", "storage", "le stockage"),
    ("objects", "objects", "les objets"),
)
_one = of(
    "admission",
    "k8s.io/kubernetes plugin/pkg/admission",
    symptoms="no pods, FailedCreate events of the ReplicaSet",
)

CLASSES: tuple[FailureClass, ...] = (
    *(
        _quota(
            id=f"quota_{what}_exceeded",
            en=f"The namespace's quota for {en} is used up",
            fr=f"Le quota du namespace pour {fr} est épuisé",
        )
        for what, en, fr in _QUOTAS
    ),
    _quota(
        id="quota_needs_values",
        en="The quota demands requests or limits that the pod does not state",
        fr="Le quota exige des requests ou limits absents du pod",
        evidence="failed quota: NAME: must specify …",
        confounders="LimitRange defaults",
        plans="state the missing values",
    ),
    _one(
        id="limit_range_violated",
        en="The pod breaks the namespace's LimitRange",
        fr="Le pod viole le LimitRange du namespace",
        evidence="maximum cpu usage per Container is …, but limit is …; minimum memory usage per …; max limit to request ratio",
        confounders="quota",
        plans="values within the range",
        source="k8s.io/kubernetes plugin/pkg/admission/limitranger",
    ),
    _one(
        id="missing_service_account",
        en="The ServiceAccount that the pods name does not exist",
        fr="Le ServiceAccount nommé par les pods n'existe pas",
        evidence='error looking up service account NS/NAME: serviceaccount "NAME" not found, and no pods',
        confounders="the account came seconds after its pods at installation",
        plans="name an existing account; create the account that the repository declares",
        source="k8s.io/kubernetes plugin/pkg/admission/serviceaccount",
    ),
    _one(
        id="pod_security_violation",
        en="Pod security admission refuses the pods",
        fr="L'admission de sécurité refuse les pods",
        evidence='violates PodSecurity "…"; unable to validate against any security context constraint; runAsNonRoot and image will run as root',
        confounders="warnings only",
        plans="the settings that the standard demands and that take nothing from the program",
        source="kubernetes.io: Pod Security Standards",
    ),
    _one(
        id="webhook_refused",
        en="An admission webhook or policy refuses the pods",
        fr="Un webhook ou une politique d'admission refuse les pods",
        evidence='admission webhook "…" denied the request; ValidatingAdmissionPolicy … denied request',
        confounders="webhook down",
        plans="",
        source="kubernetes.io: Dynamic Admission Control",
    ),
    _one(
        id="webhook_unavailable",
        en="An admission webhook does not answer",
        fr="Un webhook d'admission ne répond pas",
        evidence='failed calling webhook "…"',
        confounders="webhook refuses",
        plans="",
        severity="critical",
        source="kubernetes.io: Dynamic Admission Control",
    ),
    _one(
        id="rbac_denied",
        en="The workload lacks a permission at the API server",
        fr="Il manque une permission à l'application auprès de l'API",
        symptoms="errors or crashes of an operator or controller",
        evidence='User "system:serviceaccount:…" cannot … resource',
        confounders="a probe of optional features",
        plans="",
        source="kubernetes.io: RBAC",
    ),
    _one(
        id="priority_class_missing",
        en="The PriorityClass that the pods name does not exist",
        fr="La PriorityClass nommée par les pods n'existe pas",
        evidence="no PriorityClass with name … was found",
        confounders="quota",
        plans="the last good revision; no class, where the cluster has a default",
        source="k8s.io/kubernetes plugin/pkg/admission/priority",
    ),
    _one(
        id="runtime_class_missing",
        en="The RuntimeClass that the pods name does not exist",
        fr="La RuntimeClass nommée par les pods n'existe pas",
        evidence='RuntimeClass "…" not found',
        confounders="-",
        plans="the last good revision",
        source="kubernetes.io: Runtime Class",
    ),
    _one(
        id="pod_spec_invalid",
        en="The API server finds the pods' specification invalid",
        fr="Le serveur d'API juge la spécification des pods invalide",
        evidence='Pod "…" is invalid: spec…: Invalid value',
        confounders="webhooks that change pods",
        plans="the last good revision",
        source="k8s.io/kubernetes pkg/apis/core/validation",
    ),
    _one(
        id="namespace_terminating",
        en="The namespace is being deleted: nothing new is created in it",
        fr="Le namespace est en cours de suppression : plus rien n'y est créé",
        evidence="unable to create new content in namespace … because it is being terminated",
        confounders="-",
        plans="",
        handoff="data_loss_risk",
        source="k8s.io/apiserver plugin/pkg/admission/namespace/lifecycle",
    ),
)
