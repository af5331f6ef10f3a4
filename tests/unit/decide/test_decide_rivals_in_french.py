"""What speaks against a rival reads in both languages."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.taxonomy import CLASSES
from kfix.texts import told
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

RIVALS = sorted({rival for entry in CLASSES.values() for rival in entry.rivals})
#: Their evidence is nothing but what programs write.
WRITTEN_BY_PROGRAMS = {
    "config_reference_missing", "connection_pool_exhausted", "container_create_failed",
    "database_credentials_invalid", "host_port_conflict", "image_not_found", "image_platform_mismatch",
    "image_pull_secret_missing", "image_registry_unreachable", "insufficient_cpu", "insufficient_memory",
    "limit_range_violated", "missing_env", "node_cordoned", "node_kubelet_unavailable", "node_not_ready",
    "node_pressure", "node_runtime_unavailable", "node_selector_mismatch", "rbac_denied",
    "taint_not_tolerated", "volume_mount_failed", "webhook_refused",
}  # fmt: skip


@pytest.mark.parametrize("rival", RIVALS)
def test_what_a_rival_is_told_by_is_there_in_french(rival: str) -> None:
    entry = CLASSES[rival]
    assert bool(entry.evidence_fr) != (rival in WRITTEN_BY_PROGRAMS)
    assert entry.evidence_fr != entry.evidence


def test_a_rival_that_was_not_seen_says_so_to_a_french_reader() -> None:
    cluster = Cluster(3)
    FAULTS["oom_killed"](cluster, cluster.app())
    analysis = diagnose(cluster.bundle()).analysis
    assert analysis is not None
    against = {
        h.failure_class: told(h.evidence_against[0], h.evidence_against_text[0], "fr")
        for h in analysis.hypotheses
        if h.evidence_against_text
    }
    assert against["memory_leak"].endswith("la mémoire croît en ligne droite jusqu'à la limite")
