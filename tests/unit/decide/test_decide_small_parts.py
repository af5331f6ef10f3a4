"""The small parts of the core: spans of time, quotations, likeness of names, silent sources, whose cluster it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from decide.core.broken import heard, rules_of
from decide.core.clock import age, lasted, settled
from decide.core.facts import Facts
from decide.core.families.registry import RULES
from decide.core.findings import Fact, Finding, quote, shows_itself
from decide.core.names import alike
from decide.core.opinion import Verdict
from decide.core.strangers import not_ours
from decide.core.taxonomy import CLASSES
from decide.core.unchecked import honest, unchecked
from decide.core.version import digest
from kfix.texts import in_language
from manifests.objects.pods import Container
from schemas.context import ContextBundle, SourceStatus
from schemas.places import ClusterClaim
from schemas.plans import Analysis
from tests.support.decide.views import bundle_of, deployment, ref, view_of, workload

WEB = ref("Deployment", "web")
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def started(before: timedelta, *, ready: bool = True) -> Container:
    at = (NOW - before).isoformat()
    return Container("main", {}, {"ready": ready, "state": {"running": {"startedAt": at}}})


@pytest.mark.parametrize(
    ("container", "is_settled"),
    [
        (started(timedelta(hours=1, seconds=1)), True),
        (started(timedelta(hours=1)), False),
        (started(timedelta(minutes=59)), False),
        (started(timedelta(hours=5), ready=False), False),
        (Container("main", {}, {"ready": True, "state": {"running": {}}}), False),
        (Container("main", {}, {}), False),
    ],
)
def test_a_container_that_has_been_ready_for_more_than_an_hour_is_settled(
    container: Container, is_settled: bool
) -> None:
    assert settled(container, NOW) is is_settled


def test_the_age_of_an_object_at_a_path() -> None:
    obj = {"metadata": {"creationTimestamp": "2026-05-04T11:00:00Z"}, "status": {"at": "nonsense"}}
    assert age(obj, NOW, "metadata", "creationTimestamp") == timedelta(hours=1)
    assert age(obj, NOW, "status", "at") is None
    assert age(obj, NOW, "status", "none") is None


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=23, minutes=59, seconds=59), "23 h 59 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=3, hours=7, minutes=12), "3 d 7 h"),
    ],
)
def test_a_span_for_people(span: timedelta, told: str) -> None:
    assert lasted(span) == told


def test_a_span_is_said_in_the_readers_language() -> None:
    assert in_language(lasted(timedelta(days=3, hours=7)), "fr") == "3 j 7 h"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "plain"),
        ("  a\n\tb\u0000c  d ", "a b c d"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 140 + " … " + "x" * 157),
    ],
)
def test_outside_text_is_quoted_on_one_line(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_a_finding_that_its_object_shows() -> None:
    found = shows_itself("oom_killed", WEB, 0.7, "it was killed")
    fact = Fact(source="object", statement="it was killed", object=WEB)
    assert (found.failure_class, found.object, found.score) == ("oom_killed", WEB, 0.7)
    assert (found.detail, found.evidence, found.against) == ("it was killed", [fact], [])


def test_a_findings_kind_is_its_own_or_the_declared_one() -> None:
    own = CLASSES["healthy"]
    assert Finding(failure_class="x", object=WEB, score=1, own_class=own).kind is own
    assert Finding(failure_class="oom_killed", object=WEB, score=1).kind is CLASSES["oom_killed"]
    with pytest.raises(KeyError):
        Finding(failure_class="x", object=WEB, score=1).kind  # noqa: B018


def test_facts_concern_their_workload_and_aim_at_nothing() -> None:
    view = view_of({"deployments": [deployment("web")]})
    assert Facts(workload=workload(view, "web")).concerns == ("web",)
    assert (Facts().concerns, Facts().aims) == ((), ())


def test_how_alike_names_are() -> None:
    assert alike("web", "web") == 1.0
    assert alike("web", "xyz") == 0.0
    assert 0.6 < alike("checkout", "chekout") < 1.0


# --- what broke


def test_what_is_made_is_heard_to_the_end() -> None:
    assert heard("rules of x", lambda: iter((1, 2))) == ([1, 2], None)


def test_a_defect_tells_the_line_that_raised_it_below_three_folders() -> None:
    def breaks() -> Any:
        raise ValueError("a secret")

    found, defect = heard("plans of x", breaks)
    assert found == []
    assert defect is not None
    assert defect.where == "plans of x"
    line = breaks.__code__.co_firstlineno + 1
    assert defect.what == f"ValueError at unit/decide/test_decide_small_parts.py:{line}"


def test_the_line_that_raised_it_is_the_innermost() -> None:
    def inner() -> Any:
        raise ValueError

    def outer() -> Any:
        return inner()

    _, defect = heard("plans of x", outer)
    assert defect is not None
    assert defect.what.endswith(f":{inner.__code__.co_firstlineno + 1}")


def test_an_error_without_a_trace_is_told_by_its_type() -> None:
    class Odd(Exception):
        @property
        def __traceback__(self) -> None:
            return None

    def breaks() -> Any:
        raise Odd

    _, defect = heard("x", breaks)
    assert defect is not None
    assert defect.what == "Odd"


def test_a_rule_belongs_to_its_family_or_module() -> None:
    assert {rules_of(rule) for rule in RULES} >= {"rules of probes", "rules of gateways"}

    def own(view: object) -> Any:
        return ()

    assert rules_of(own) == "rules of test_decide_small_parts"


# --- what could not be asked


def source(name: str, why: str = "unanswered", reason: str = "no answer") -> SourceStatus:
    state = "missing" if why else "ok"
    return SourceStatus.model_validate({"name": name, "state": state, "why": why, "reason": reason})


def asked(*sources: SourceStatus) -> ContextBundle:
    return bundle_of({}, sources=sources)


def test_sources_that_did_not_answer_or_refused_are_unchecked() -> None:
    given = (
        source("a"),
        source("b", "refused"),
        source("c", "absent"),
        source("d", ""),
        source("memory"),
        source("e"),
    )
    assert [s.name for s in unchecked(asked(*given))] == ["a", "b", "e"]


def verdict(
    cls: str = "oom_killed", status: Any = "needs_human", reason: Any = "capacity"
) -> Verdict:
    analysis = Analysis(failure_class=cls, object=WEB, root_cause="r", confidence=0.5)
    return Verdict(status, reason, "said", analysis, ())


@pytest.mark.parametrize(
    ("given", "silent", "stands"),
    [
        (verdict(), "metrics", True),
        (verdict(), "kubernetes.objects", False),
        (verdict(reason="not_enough_evidence"), "metrics", False),
        (verdict(reason="ambiguous"), "metrics", False),
        (verdict("undetermined"), "metrics", False),
        (verdict("healthy", "no_action", "healthy"), "metrics", False),
        (verdict("oom_killed", "no_action", "recovered"), "metrics", False),
        (verdict("healthy", "no_action", "healthy"), "memory", True),
    ],
)
def test_a_verdict_that_rests_on_silence_is_none(given: Verdict, silent: str, stands: bool) -> None:
    found = honest(asked(source(silent)), given, language="en")
    if stands:
        assert found == given
        return
    assert (found.status, found.reason, found.plans) == ("needs_human", "not_checked", ())
    assert found.explanation == (
        f"This alert could not be checked because {silent} could not be asked (no answer). "
        "A person must look."
    )


def test_nothing_was_silent_and_the_verdict_stands() -> None:
    given = verdict("healthy", "no_action", "healthy")
    assert honest(asked(), given, language="en") == given


@pytest.mark.parametrize(("length", "told"), [(160, 160), (161, 160)])
def test_a_sources_reason_is_cut(length: int, told: int) -> None:
    silent = (source("kubernetes.objects", reason="x" * length), source("b"))
    said = honest(asked(*silent), verdict(), language="en").explanation
    assert said.count("x") == told
    assert "); b could not be asked (no answer)" in said


# --- whose cluster it is


def claimed(verdict: str, *named: str, **fields: Any) -> ContextBundle:
    claim = ClusterClaim.model_validate(
        {"verdict": verdict, "named": named, "own": "prod"} | fields
    )
    return bundle_of({}, claim=claim)


@pytest.mark.parametrize("verdict", ["ours", "unnamed", "unjudged"])
def test_our_cluster_and_an_unnamed_one_are_diagnosed(verdict: str) -> None:
    assert not_ours(claimed(verdict), language="en") is None


def test_five_names_of_another_cluster_are_told() -> None:
    found = not_ours(claimed("foreign", *(f"c{n}" for n in range(6))), language="en")
    assert found is not None
    assert "about cluster c0, c1, c2, c3, c4, and" in found.explanation
    assert (found.status, found.reason) == ("needs_human", "another_cluster")
    assert (found.analysis, found.plans) == (None, ())


def test_an_instance_without_a_name_and_a_reason() -> None:
    found = not_ours(claimed("unclaimed", own="", reason="two tags"), language="en")
    assert found is not None
    assert "the alert names no cluster" in found.explanation
    assert found.explanation.endswith("(two tags)")
    french = not_ours(claimed("unclaimed", own=""), language="fr")
    assert french is not None
    assert "KFIX_CLUSTER_NAME" in french.explanation
    assert french.explanation != found.explanation


def test_the_version_of_the_rules_is_twelve_digits_of_names_and_contents() -> None:
    one = digest([("a.py", b"x\n"), ("b.py", b"y")])
    assert len(one) == 12
    assert digest([("b.py", b"y"), ("a.py", b"x\r\n")]) == one
    assert digest([("a.pyc", b"x\r\n")]) != digest([("a.pyc", b"x\n")])
    for other in ([("a.py", b"x\n"), ("c.py", b"y")], [("a.py", b"x\n"), ("b.py", b"z")]):
        assert digest(other) != one
