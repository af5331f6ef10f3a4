"""What speaks against a rival reads in both languages."""

from __future__ import annotations

from functools import cache
from typing import get_args

import pytest

from decide.core import diagnose
from decide.core.families.entry import Collected, FailureClass
from decide.core.taxonomy import CLASSES
from kfix.texts import known, told_all, word
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

#: Their evidence is nothing but what programs write.
WRITTEN_BY_PROGRAMS = {
    "broker_unavailable", "cache_unavailable", "config_reference_missing",
    "connection_pool_exhausted", "container_create_failed", "credentials_refused", "database_connections_exhausted",
    "database_credentials_invalid", "database_disk_full", "database_read_only",
    "database_schema_missing", "device_class_missing", "disruption_budget_blocks",
    "ephemeral_storage_exceeded",
    "file_descriptors_exhausted", "heap_exhausted", "host_port_conflict", "image_not_found",
    "image_platform_mismatch", "image_pull_limited", "image_pull_secret_missing", "insufficient_cpu",
    "insufficient_memory", "insufficient_resource", "job_deadline_exceeded", "job_failing",
    "limit_range_violated", "missing_env", "namespace_terminating", "node_affinity_mismatch",
    "node_conntrack_limit", "node_cordoned", "node_kubelet_unavailable", "node_map_count_limit",
    "node_network_plugin_unavailable", "node_not_ready", "node_open_files_limit", "node_pid_limit",
    "node_pressure", "node_runtime_unavailable", "node_selector_mismatch",
    "pod_affinity_mismatch", "pod_anti_affinity_conflict", "pod_network_setup_failed",
    "pod_os_mismatch",
    "pod_security_violation", "pod_spec_invalid", "pods_not_created", "priority_class_missing",
    "pvc_missing", "pvc_pending", "pvc_storage_class_mismatch", "quota_needs_values", "rbac_denied",
    "runtime_class_missing", "sidecar_port_conflict", "taint_not_tolerated", "threads_exhausted",
    "too_many_pods", "topology_spread_unsatisfied", "undetermined", "upstream_errors",
    "volume_limit_reached", "volume_mount_failed", "volume_multi_attach", "volume_node_conflict",
    "webhook_refused", "webhook_unavailable",
}  # fmt: skip


@pytest.mark.parametrize("entry", CLASSES.values(), ids=lambda entry: entry.id)
def test_what_a_class_is_told_by_is_there_in_french(entry: FailureClass) -> None:
    assert bool(entry.evidence_fr) != (entry.id in WRITTEN_BY_PROGRAMS)
    assert entry.evidence_fr != entry.evidence


@cache
def _against() -> dict[str, str]:
    """All that speaks against hypotheses of made-up faults, in English, with its French."""
    found: dict[str, str] = {}
    for fault in FAULTS:
        cluster = Cluster(3)
        for _ in range(4):
            cluster.app()
        FAULTS[fault](cluster, cluster.app())
        analysis = diagnose(cluster.bundle()).analysis
        for hypothesis in analysis.hypotheses if analysis else ():
            english, texts = hypothesis.evidence_against, hypothesis.evidence_against_text
            assert len(english) == len(texts), f"{fault}: {english}"
            found |= zip(english, told_all(english, texts, "fr"), strict=True)
    return found


def test_what_speaks_against_a_cause_is_told_in_french() -> None:
    assert len(_against()) > 30
    assert {english for english, french in _against().items() if english == french} == set()


def test_what_was_not_seen_and_not_collected_is_named_in_french() -> None:
    assert (
        _against()["not seen: working set grows in a straight line to the limit"]
        == "non observé : la mémoire croît en ligne droite jusqu'à la limite"
    )
    assert _against()["not collected: metrics"] == "non relevé : métriques"


@pytest.mark.parametrize("source", get_args(Collected))
def test_every_source_has_a_name_in_both_languages(source: str) -> None:
    assert word(f"decide.source.{source}", "en") == source
    assert known(f"decide.source.{source}")
