"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.admission import causes
from decide.core.families.admission.facts import AbsentClaim, DeniedRights, FullQuota, RefusedPods
from decide.core.families.admission.plans import accounts, pods, rights, values
from decide.core.families.admission.plans import claims as claim_plans
from decide.core.families.admission.plans import quotas as quota_plans
from decide.core.families.admission.rules import claims, quotas, refusals
from decide.core.families.parts import Parts, repair

_QUOTA = repair(FullQuota, quota_plans.quota)

PARTS = Parts(
    rules=(
        refusals.find,
        quotas.find_services,
        quotas.find_objects,
        claims.find,
        quotas.find_tight,
    ),
    builders={
        "quota_cpu_exceeded": _QUOTA,
        "quota_memory_exceeded": _QUOTA,
        "quota_pods_exceeded": _QUOTA,
        "quota_services_exceeded": _QUOTA,
        "quota_storage_exceeded": _QUOTA,
        "quota_objects_exceeded": _QUOTA,
        "quota_needs_values": repair(RefusedPods, values.stated_values),
        "limit_range_violated": repair(RefusedPods, values.limit_range),
        "missing_service_account": repair(RefusedPods, accounts.account),
        "pod_security_violation": repair(RefusedPods, pods.pod_security),
        "rbac_denied": repair(DeniedRights, rights.rights),
        "priority_class_missing": repair(RefusedPods, pods.priority_class),
        "pod_spec_invalid": repair(RefusedPods, values.invalid),
        "pvc_missing": repair(AbsentClaim, claim_plans.absent),
    },
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
