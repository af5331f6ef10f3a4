"""From belief to confidence: each sign at its edge, what was not collected, and what else it could have been."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.core.confidence import (
    ConfidenceSigns,
    blind,
    confidence,
    confidences,
    missing,
    signs,
)
from decide.core.differential import complete
from decide.core.facts import Facts
from decide.core.makeup import makeup, strangeness
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from decide.core.weights import MADE_OF
from kfix.texts import say
from schemas.context import SourceStatus
from tests.support.decide.views import (
    SHOP,
    deployment,
    finding,
    log,
    pod,
    ref,
    series,
    view_of,
    workload,
)

WEB, DB = ref("Deployment", "web"), ref("Deployment", "db")
KINDS = {
    "pods": ["pods"],
    "controllers": ["deployments", "statefulsets", "daemonsets", "replicasets", "jobs"],
    "events": ["events"],
    "nodes": ["nodes"],
    "services": ["services"],
    "endpoints": ["endpoints", "endpointslices"],
    "claims": ["persistentvolumeclaims"],
    "policies": ["resourcequotas", "serviceaccounts", "networkpolicies"],
    "configuration": ["configmaps", "secrets"],
}
EVERYTHING: dict[str, list[Any]] = {kinds[0]: [] for kinds in KINDS.values()}


def collected(*without: str, **fields: Any) -> ClusterView:
    """A view for which everything was collected but those sources."""
    objects = {KINDS[name][0]: [] for name in KINDS if name not in without}
    told: dict[str, Any] = {} if "logs" in without else {"logs": (log("", "x"),)}
    told |= {} if "metrics" in without else {"metrics": (series("m", 1.0),)}
    return view_of(objects, **(told | fields))


@pytest.mark.parametrize(
    ("source", "kind"), [(source, kind) for source, kinds in KINDS.items() for kind in kinds]
)
def test_any_kind_of_a_source_will_do(source: str, kind: str) -> None:
    assert missing(view_of({kind: []})) == {*KINDS, "logs", "metrics"} - {source}


def test_logs_and_metrics_are_missing_where_there_are_none() -> None:
    assert missing(collected()) == frozenset()
    for name in (*KINDS, "logs", "metrics"):
        assert missing(collected(name)) == {name}


def test_the_signs_of_a_finding_among_others() -> None:
    first, second = finding("oom_killed", WEB, 0.8), finding("crash_code", DB, 0.7)
    third = finding("crash_code", WEB, 0.2)
    ranked = [first, second, third]
    view = collected("pods", "logs", "nodes")
    assert replace(signs(first, ranked, view), strange=0.0) == ConfidenceSigns(
        belief=0.8, lead=pytest.approx(0.1), blind=0.5, missing=pytest.approx(3 / 11), quiet=False
    )
    assert signs(second, ranked, view).lead == pytest.approx(-0.1)
    assert signs(second, ranked, view).blind == pytest.approx(1 / 3)
    assert signs(third, ranked, view).lead == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("own", "other", "lead"),
    [(0.9, 0.6, 0.3), (0.9, 0.5, 0.3), (0.9, 0.61, 0.29), (0.2, 0.9, -0.3)],
)
def test_a_lead_counts_up_to_three_tenths(own: float, other: float, lead: float) -> None:
    one = finding("oom_killed", WEB, own)
    found = signs(one, [one, finding("oom_killed", DB, other)], collected())
    assert found.lead == pytest.approx(lead)


def test_alone_a_finding_leads_by_its_belief() -> None:
    one = finding("oom_killed", WEB, 0.25)
    assert signs(one, [one], collected()).lead == 0.25


def test_only_the_absence_of_trouble_is_quiet() -> None:
    for class_id, entry in CLASSES.items():
        one = finding(class_id, WEB, 0.8)
        assert signs(one, [one], collected()).quiet is (entry.nature == "calm")


def test_a_source_that_was_cut_or_did_not_answer_counts_as_missing() -> None:
    one = finding("oom_killed", WEB, 0.8)
    whole = signs(one, [one], collected()).missing
    for state, why, less in (
        ("degraded", "", 1),
        ("missing", "unanswered", 1),
        ("missing", "refused", 1),
        ("missing", "absent", 0),
        ("ok", "", 0),
    ):
        source = SourceStatus(name="file pods.json", state=state, why=why, reason="cut")
        told = signs(one, [one], collected(sources=(source,))).missing
        assert told == pytest.approx(whole + less / 11), (state, why)


def test_what_is_unexplained_and_strange_are_signs() -> None:
    one = finding("oom_killed", WEB, 0.8)
    one.open_share = 0.25
    found = signs(one, [one], collected())
    assert found.unexplained == 0.25
    assert found.strange == strangeness(makeup(collected()), MADE_OF)


SIGNS = ConfidenceSigns(
    belief=0.8, lead=0.15, blind=0.5, missing=0.25, quiet=True, unexplained=0.75, strange=0.125
)


def test_the_terms_grow_with_certainty() -> None:
    assert SIGNS.terms() == pytest.approx((1.0, math.log(4), 0.5, -0.5, -0.25, -1.0, -0.75, -0.125))


@pytest.mark.parametrize(
    ("belief", "counted"), [(1.0, 0.98), (0.98, 0.98), (0.0, 0.02), (0.02, 0.02)]
)
def test_no_belief_is_sure(belief: float, counted: float) -> None:
    told = ConfidenceSigns(belief=belief, lead=0, blind=0, missing=0, quiet=False).terms()[1]
    assert told == pytest.approx(math.log(counted / (1 - counted)))


@pytest.mark.parametrize(
    ("weights", "share"),
    [
        ((0.0,) * 8, 0.5),
        ((math.log(3), 0, 0, 0, 0, 0, 0, 0), 0.75),
        ((0, 1.0, 0, 0, 0, 0, 0, 0), 0.8),
        ((50.0, 0, 0, 0, 0, 0, 0, 0), 0.97),
        ((-50.0, 0, 0, 0, 0, 0, 0, 0), 0.02),
        ((1.0, 0, 0, 0, 0, 0, 0, 0), 0.731),
    ],
)
def test_the_share_that_is_right_is_a_logistic_one_within_bounds(
    weights: tuple[float, ...], share: float
) -> None:
    assert confidence(SIGNS, weights) == share


def test_weights_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        confidence(SIGNS, (1.0,) * 7)


ratios = st.floats(0, 1)


@given(ratios, ratios, st.floats(-0.3, 0.3), ratios, ratios, st.booleans())
def test_more_belief_more_lead_and_more_evidence_never_lower_it(
    one: float, two: float, lead: float, unseen: float, absent: float, quiet: bool
) -> None:
    low, high = sorted((one, two))
    base: dict[str, Any] = {
        "belief": low,
        "lead": lead,
        "blind": unseen,
        "missing": absent,
        "quiet": quiet,
    }

    def told(**changed: Any) -> float:
        return confidence(ConfidenceSigns(**(base | changed)))

    assert told() <= told(belief=high)
    assert told() <= told(lead=0.3)
    assert told() <= told(blind=0.0)
    assert told() <= told(missing=0.0)
    assert told() <= told(quiet=False)


def test_the_others_share_what_the_first_leaves() -> None:
    ranked = [
        finding("oom_killed", ref("Deployment", f"w{n}"), s) for n, s in enumerate((0.95, 0.8, 0.2))
    ]
    view = collected()
    alone = [confidence(signs(f, ranked, view)) for f in ranked]
    found = confidences(ranked, view)
    assert found[0] == alone[0]
    assert found[1] == min(alone[1], round(1 - alone[0], 3))
    assert found[2] == alone[2] < 1 - alone[0]
    assert confidences(ranked[:1], view) == [confidence(signs(ranked[0], ranked[:1], view))]


def test_two_causes_that_are_both_shown_are_both_told_and_none_lowers_the_other() -> None:
    ranked = [finding("oom_killed", ref("Deployment", f"w{n}"), 0.9 + n / 50) for n in (1, 0)]
    view = collected()
    assert confidences(ranked, view)[1] > 0.5
    leads = [signs(ranked[0], given, view).lead for given in (ranked[:1], ranked)]
    assert leads[0] == leads[1] == 0.3
    explained = finding("oom_killed", ref("Deployment", "w2"), 0.85)
    assert signs(ranked[0], [ranked[0], explained], view).lead < 0.3
    explained.behind = ranked[0].object.key
    assert signs(ranked[0], [ranked[0], explained], view).lead == 0.3


@pytest.mark.parametrize(("score", "told"), [(0.89, ["pods", "events"]), (0.9, []), (0.95, [])])
def test_a_mechanism_that_its_program_named_needs_no_other_source(
    score: float, told: list[str]
) -> None:
    one = finding("oom_killed", WEB, score)
    assert blind(one, collected("pods", "events", "nodes")) == told


def test_only_decisive_sources_that_were_not_collected_are_missed() -> None:
    one = finding("oom_killed", WEB, 0.7)
    assert blind(one, collected("events", "logs")) == ["events"]
    assert blind(one, collected()) == []


# --- what else it could have been


def names(*found: Any, view: ClusterView | None = None) -> list[tuple[str, float]]:
    done = complete(view or collected(), found)
    return [(f.failure_class, round(f.score, 4)) for f in done]


def test_an_answer_names_at_least_three_possibilities() -> None:
    first, second, third = CLASSES["oom_killed"].rivals[:3]
    assert (first, second) == ("memory_leak", "node_pressure")
    one, two = finding("oom_killed", WEB, 0.9), finding("crash_code", WEB, 0.8)
    assert names(one) == [("oom_killed", 0.9), ("memory_leak", 0.12), ("node_pressure", 0.1)]
    assert names(one, two) == [("oom_killed", 0.9), ("crash_code", 0.8), ("memory_leak", 0.12)]
    full = [one, two, finding("missing_env", WEB, 0.7)]
    assert [c for c, _ in names(*full)] == ["oom_killed", "crash_code", "missing_env"]
    assert third == "load_surge"


def test_what_was_found_is_not_filled_in_again() -> None:
    found = names(finding("oom_killed", WEB, 0.9), finding("memory_leak", DB, 0.5))
    assert [c for c, _ in found] == ["oom_killed", "memory_leak", "node_pressure"]


@pytest.mark.parametrize(
    ("lowest", "filled"),
    [
        (0.9, [0.12, 0.1]),
        (0.13, [0.12, 0.1]),
        (0.12, [0.11, 0.1]),
        (0.05, [0.04, 0.04]),
        (0.02, [0.02, 0.02]),
    ],
)
def test_what_is_filled_in_stands_below_what_was_found(lowest: float, filled: list[float]) -> None:
    assert [s for _, s in names(finding("oom_killed", WEB, lowest))][1:] == filled
    above = names(finding("oom_killed", WEB, 0.9), finding("crash_code", WEB, lowest))
    assert above[2][1] == filled[0]


def test_what_is_filled_in_rests_on_the_firsts_first_evidence() -> None:
    first = finding("oom_killed", WEB, 0.9, "a", "b")
    _, rival, _ = complete(collected(), [first])
    assert [f.statement for f in rival.evidence] == ["a"]
    assert (rival.object, rival.detail) == (WEB, "")
    _, rival, _ = complete(collected(), [finding("oom_killed", WEB, 0.9)])
    assert rival.evidence == []


TOLD_BY = ("events", "nodes", "logs", "pods", "metrics", "services", "")


def taken_for(source: str) -> tuple[str, str]:
    """A class with a first rival that such a source tells of."""
    for class_id, entry in CLASSES.items():
        for rival in entry.rivals[:1]:
            if CLASSES[rival].told_by == source and rival != class_id:
                return class_id, rival
    raise AssertionError(source)


@pytest.mark.parametrize("source", TOLD_BY)
def test_a_rival_is_not_seen_or_was_not_looked_for(source: str) -> None:
    class_id, rival = taken_for(source)
    without = [source] if source else []
    for absent, why in (
        ([], say("decide.not_seen", what=CLASSES[rival].seen_by)),
        (
            without,
            say("decide.not_collected", what=say(f"decide.source.{source}")) if source else "",
        ),
    ):
        if not why:
            continue
        _, filled, *_ = complete(collected(*absent), [finding(class_id, WEB, 0.9)])
        assert (filled.failure_class, filled.against) == (rival, [why])


def pods_on(*nodes: str) -> tuple[ClusterView, Facts]:
    pods = [pod(f"web-{n}", labels={"app": "web"}, node=node) for n, node in enumerate(nodes)]
    view = view_of({"deployments": [deployment("web", SHOP)], "pods": pods})
    return view, Facts(workload=workload(view, "web"))


@pytest.mark.parametrize(
    ("nodes", "about"),
    [
        (("n1", "n2"), "Node/n1"),
        (("", "n2"), "Node/n2"),
        (("",), "Deployment/shop/web"),
        ((), "Deployment/shop/web"),
    ],
)
def test_a_rival_at_a_node_stands_at_the_first_that_the_workload_runs_on(
    nodes: tuple[str, ...], about: str
) -> None:
    view, facts = pods_on(*nodes)
    found = complete(view, [finding("oom_killed", WEB, 0.9, facts=facts)])
    assert [(f.failure_class, f.object.key) for f in found[1:]] == [
        ("memory_leak", WEB.key),
        ("node_pressure", about),
    ]


def test_a_rival_of_what_stands_at_a_node_stands_there_too() -> None:
    view, facts = pods_on("n2")
    found = complete(view, [finding("node_not_ready", ref("Node", "n1"), 0.9, facts=facts)])
    assert {f.object.key for f in found} == {"Node/n1"}
    without = complete(view, [finding("oom_killed", WEB, 0.9)])
    assert {f.object.key for f in without} == {WEB.key}


def test_every_class_is_filled_up_with_classes_that_there_are() -> None:
    for class_id in CLASSES:
        found = complete(collected(), [finding(class_id, WEB, 0.9)])
        assert len(found) == 3, class_id
        for one, two in itertools.combinations(found, 2):
            assert one.failure_class != two.failure_class
