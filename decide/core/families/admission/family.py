"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.admission import rules
from decide.core.families.admission.plans import accounts, claims, pods, quotas
from decide.core.families.parts import Parts

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "quota_cpu_exceeded": quotas.quota,
        "quota_memory_exceeded": quotas.quota,
        "quota_pods_exceeded": quotas.quota,
        "quota_services_exceeded": quotas.quota,
        "quota_storage_exceeded": quotas.quota,
        "quota_objects_exceeded": quotas.quota,
        "quota_needs_values": pods.stated_values,
        "limit_range_violated": pods.limit_range,
        "missing_service_account": accounts.account,
        "pod_security_violation": pods.pod_security,
        "priority_class_missing": pods.priority_class,
        "pod_spec_invalid": pods.invalid,
        "pvc_missing": claims.absent,
    },
)
