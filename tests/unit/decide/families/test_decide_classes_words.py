"""What records say of a class is said in the words that the core knows, and stands on the page of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from decide.core.families.entry import Collected, FailureClass, Nature
from decide.core.taxonomy import CLASSES, FAMILIES, table
from schemas.base import Severity
from schemas.plans import AbstentionReason

#: Fields of a pod's specification that a drift of a class can stand in. Source: k8s.io/api core/v1 PodSpec.
_POD_SPEC = {
    "affinity",
    "dnsConfig",
    "dnsPolicy",
    "hostNetwork",
    "nodeName",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
}


@pytest.mark.parametrize("entry", CLASSES.values(), ids=CLASSES.keys())
def test_a_record_uses_the_words_of_its_closed_sets(entry: FailureClass) -> None:
    assert entry.severity in get_args(Severity)
    assert entry.handoff in get_args(AbstentionReason)
    assert entry.nature in get_args(Nature)
    assert set(entry.shows_in) <= set(get_args(Collected))
    assert entry.told_by in ("", *get_args(Collected))
    assert set(entry.drift_places) <= _POD_SPEC
    assert set(entry.rivals) - {entry.id}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_uses_the_words_of_its_closed_sets(family: str) -> None:
    known = FAMILIES[family]
    assert known.shows_in
    assert set(known.shows_in) <= set(get_args(Collected))
    assert known.told_by in ("", *get_args(Collected))
    assert set(known.mistaken_for) <= set(CLASSES)


def _standing(class_id: str) -> list[str]:
    """The cells of the class's row in the second table of its family."""
    rows = [line for line in table().splitlines() if line.startswith(f"| `{class_id}` |")]
    assert len(rows) == 2
    return [cell.strip() for cell in rows[1].strip("|").split("|")]


def test_the_page_says_how_a_class_stands_to_others() -> None:
    assert _standing("node_not_ready") == [
        "`node_not_ready`",
        "cause",
        "critical",
        "nodes",
        "nodes",
        "node_kubelet_unavailable, node_runtime_unavailable, node_pressure, node_network_delay",
        "node_runtime_unavailable, node_kubelet_unavailable",
        "outside manifests",
        "stands at a node",
    ]
    assert _standing("rollout_stuck")[1::5] == ["symptom", "every cause there"]
    assert _standing("node_runtime_unavailable")[-1] == "stands at a node; known as node_not_ready"
    assert _standing("scheduler_unknown")[-1] == "drifts in schedulerName"
    assert _standing("route_backend_mismatch")[-1] == "what a caller says of a callee"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("stands at a node", lambda entry: entry.at_node),
        ("what a caller says of a callee", lambda entry: entry.of_a_callee),
        ("everybody's trouble", lambda entry: entry.everybodys),
        ("told from metrics alone", lambda entry: entry.measured),
        ("rollback beside other plans", lambda entry: entry.rollback_too),
        ("explains ", lambda entry: bool(entry.explains)),
        ("drifts in ", lambda entry: bool(entry.drift_places)),
        ("known as ", lambda entry: bool(entry.incident_as)),
    ],
)
def test_what_is_special_about_a_class_is_told_of_it_and_of_no_other(
    words: str, said: Callable[[FailureClass], bool]
) -> None:
    told = {class_id for class_id in CLASSES if words in _standing(class_id)[-1]}
    assert told == {class_id for class_id, entry in CLASSES.items() if said(entry)}
    assert told
