"""Playbooks: files become typed findings and plans, or errors with their line; nothing of strangers becomes a value."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from decide import core
from decide.adapters.playbooks import load_playbooks, shipped
from decide.core.opinion import Verdict
from decide.core.playbooks import (
    BadPlaybooks,
    Playbook,
    Playbooks,
    PlaybookSource,
    compile_all,
    find,
    look,
)
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from tests.support.decide.clusters import Cluster

MINIMAL: dict[str, Any] = {
    "id": "too_many_colours",
    "title": {"en": "Too many colours", "fr": "Trop de couleurs"},
    "source": "house rules",
    "for": "Deployment",
    "when": ["object.spec.replicas == 1"],
    "score": 0.8,
    "diagnosis": {"en": "{name} has colours", "fr": "{name} a des couleurs"},
}


def text_of(**parts: Any) -> str:
    return yaml.safe_dump({**MINIMAL, **parts}, sort_keys=False, allow_unicode=True, width=10_000)


def one(**parts: Any) -> Playbooks:
    return compile_all([PlaybookSource("own.yaml", text_of(**parts))])


def problems_of(text: str) -> list[str]:
    with pytest.raises(BadPlaybooks) as caught:
        compile_all([PlaybookSource("own.yaml", text)])
    return [str(p) for p in caught.value.problems]


def plan(path: str, to: str | None, fix: str = "set_env", **parts: Any) -> dict[str, Any]:
    change = {"path": path, "to": to} if to is not None else {"path": path, "remove": True}
    return {
        "title": {"en": "Mend {name}"},
        "why": {"en": "because"},
        "fix": fix,
        "changes": [change],
        **parts,
    }


ENV = "spec.template.spec.containers[name=main].env[name=MODE].value"
MEMORY = "spec.template.spec.containers[name=main].resources.limits.memory"


def cluster_with(**metadata: Any) -> tuple[Cluster, str]:
    cluster = Cluster(11)
    name = cluster.app(env=[{"name": "MODE", "value": "old"}])
    cluster.get("deployments", name)["metadata"].update(metadata)
    return cluster, name


def after(playbooks: Playbooks, cluster: Cluster) -> list[Any]:
    """The new values of all plans."""
    out = []
    for finding in find(ClusterView(cluster.bundle()), playbooks):
        for draft in finding.facts.drafts:
            out += [f.after for c in draft.changes for f in c.fields]
    return out


# --- what a match gives


@pytest.mark.parametrize(("language", "said"), [("en", "has colours"), ("fr", "a des couleurs")])
def test_a_match_is_a_finding_of_its_own_class_in_the_readers_language(
    language: str, said: str
) -> None:
    cluster, name = cluster_with()
    verdict = core.diagnose(
        cluster.bundle(name), language=language, playbooks=one(plans=[plan(ENV, "'new'")])
    )
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "too_many_colours"
    assert said in verdict.analysis.root_cause
    (made,) = verdict.plans
    assert (made.origin, made.fix_kind) == ("playbook", "set_env")
    assert made.kubernetes_changes[0].fields[0].after == "new"
    assert made.rollback_changes[0].fields[0].after == "old"


def test_without_plans_people_are_asked_for_the_playbooks_reason() -> None:
    cluster, name = cluster_with()
    verdict = core.diagnose(cluster.bundle(name), playbooks=one(handoff="data_loss_risk"))
    assert (verdict.status, verdict.reason) == ("needs_human", "data_loss_risk")


def test_a_known_class_keeps_its_title_and_gets_the_playbooks_plans() -> None:
    cluster, name = cluster_with()
    playbooks = one(id="oom_killed", plans=[plan(MEMORY, "'160Mi'", "set_memory")])
    verdict = core.diagnose(cluster.bundle(name), playbooks=playbooks)
    assert verdict.analysis is not None
    assert CLASSES["oom_killed"].en in verdict.analysis.root_cause
    assert [p.origin for p in verdict.plans] == ["playbook"]


def test_no_playbook_changes_no_answer() -> None:
    cluster, name = cluster_with()
    cluster.crashed(name, 137, reason="OOMKilled")
    bundle = cluster.bundle(name)
    assert core.diagnose(bundle) == core.diagnose(bundle, playbooks=one(when=["false"]))


def test_the_same_cluster_gives_the_same_findings_whatever_the_order_of_files() -> None:
    cluster, _ = cluster_with()
    sources = [PlaybookSource(f"{n}.yaml", text_of(id=f"kind_{n}")) for n in "cab"]
    view = ClusterView(cluster.bundle())
    there, back = compile_all(sources), compile_all(reversed(sources))
    assert [f.failure_class for f in find(view, there)] == ["kind_a", "kind_b", "kind_c"]
    assert list(find(view, there)) == list(find(view, back))


def test_what_needs_say_must_be_there_before_any_expression_is_tried() -> None:
    cluster, _ = cluster_with()
    (compiled,) = one(needs=["spec.nowhere"]).entries
    assert list(look(ClusterView(cluster.bundle()), compiled)) == []


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("object.spec.replicas == 1", True),
        ("object.spec.nowhere == 1", False),
        ("object.?spec.?nowhere.orValue(1) == 1", True),
        ("pods.size() == 1", True),
        ("services.exists(s, s.spec.ports[0].port > 0)", True),
        ("scalers.size() == 0", True),
        ("cluster.nodes.size() == 3", True),
        ("cluster.wombats.size() == 3", False),
        ("events.exists(e, e.reason == 'Told')", True),
        ("logs.exists(l, l.contains('told'))", True),
        ("alert.title.contains('ready')", True),
        ("metrics.cpu.peak > 0.1 && metrics.cpu.samples == 9.0", True),
        ("metrics.memory.peak > 0.1", False),
        ("timestamp(now) - timestamp('2026-05-04T11:00:00Z') == duration('1h')", True),
        (
            "quantity(object.spec.template.spec.containers[0].resources.limits.memory) == 134217728.0",
            True,
        ),
        ("quantity('a lot') > 1.0", False),
        ("object.spec.replicas", False),
        ("name.startsWith(object.metadata.name)", True),
    ],
)
def test_conditions_look_at_the_evidence_and_errors_are_no_match(
    expression: str, holds: bool
) -> None:
    cluster, name = cluster_with()
    cluster.event("Pod", cluster.pod(name)["metadata"]["name"], "Told", "x")
    cluster.log(name, "told you")
    cluster.series("kubernetes.cpu.usage.total", [190e6] * 9, kube_deployment=name)
    found = list(find(ClusterView(cluster.bundle()), one(when=[expression])))
    assert bool(found) is holds


def test_an_expression_without_end_is_cut_off() -> None:
    cluster, _ = cluster_with()
    nested = "cluster.pods.all(a, cluster.pods.all(b, cluster.pods.all(c, true)))"
    for _ in range(60):
        cluster.app()
    (compiled,) = one(when=[nested]).entries
    traces = list(look(ClusterView(cluster.bundle()), compiled))
    assert "budget" in str(traces[0].steps[0][1])
    assert [trace.finding for trace in traces] == [None]  # the other sixty are not tried


@pytest.mark.parametrize("odd", [2**70, {1: 2}, (1, 2), float("nan"), None, "\ud800"])
def test_values_that_cel_does_not_have_are_no_crash(odd: Any) -> None:
    cluster, name = cluster_with()
    cluster.get("deployments", name)["spec"]["odd"] = odd
    list(find(ClusterView(cluster.bundle()), one()))


# --- values


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'new'", "new"),
        ("'text with blanks; and $(more)'", "text with blanks; and $(more)"),
        ("object.metadata.labels.team", "blue"),
        ("as_memory(quantity('1Gi') * 1.5)", "1536Mi"),
        ("as_cpu(quantity('100m') * 1.5)", "150m"),
        ("object.metadata.annotations.note", None),
        ("object.metadata.annotations.note + ''", None),
        ("'x' + object.metadata.labels.team", None),
        ("pods[0].status.containerStatuses[0].lastState.terminated.message", None),
        ("[1, 2]", None),
        ("{'a': 1}", None),
        ("object.spec.nowhere", None),
    ],
)
def test_a_text_is_the_authors_or_the_objects_own(expression: str, value: Any) -> None:
    cluster, name = cluster_with(labels={"team": "blue"}, annotations={"note": "evil"})
    cluster.pod(name)["status"]["containerStatuses"][0]["lastState"] = {
        "terminated": {"message": "evil"}
    }
    found = after(one(plans=[plan(ENV, expression)]), cluster)
    assert found == ([] if value is None else [value])


@pytest.mark.parametrize("source", ["events[0].message", "logs[0]", "alert.title", "alert.tags.x"])
def test_a_strangers_word_cannot_be_named_in_a_value(source: str) -> None:
    direct = problems_of(text_of(plans=[plan(ENV, source)]))
    assert "values see nothing that came from events, logs or the alert" in direct[0]
    through = problems_of(text_of(let={"word": source}, plans=[plan(ENV, "word")]))
    assert "undeclared reference to 'word'" in through[0]
    twice = problems_of(text_of(let={"word": source, "more": "word"}, plans=[plan(ENV, "more")]))
    assert "undeclared reference to 'more'" in twice[0]
    path = problems_of(
        text_of(let={"word": source}, plans=[plan(ENV.replace("MODE", "{word}"), "'x'")])
    )
    assert "no let that a path may use" in path[0]


@pytest.mark.parametrize(
    ("fix", "path", "expression", "value"),
    [
        ("set_memory", MEMORY, "'512Mi'", "512Mi"),
        ("set_memory", MEMORY, "'513Mi'", None),
        ("set_memory", MEMORY, "'31Mi'", None),
        ("set_memory", MEMORY, "'a lot'", None),
        ("set_replicas", "spec.replicas", "object.spec.replicas * 4", 4),
        ("set_replicas", "spec.replicas", "object.spec.replicas * 5", None),
        ("set_replicas", "spec.replicas", "0", None),
        ("set_replicas", "spec.replicas", "2.0", 2),
        ("set_replicas", "spec.replicas", "2.5", None),
        ("set_replicas", "spec.parallelism", "10", 10),
        ("set_replicas", "spec.parallelism", "11", None),
        ("set_strategy", "spec.minReadySeconds", "10", 10),
        ("set_strategy", "spec.minReadySeconds", "3600", None),
    ],
)
def test_sizes_and_counts_do_not_run_away(fix: str, path: str, expression: str, value: Any) -> None:
    cluster, _ = cluster_with()
    found = after(one(plans=[plan(path, expression, fix)]), cluster)
    assert found == ([] if value is None else [value])


@pytest.mark.parametrize("evil", ["a] x[b", "a.b[0]", "x y", "", "a'b"])
def test_a_placeholder_in_a_path_must_be_a_plain_name(evil: str) -> None:
    cluster, _ = cluster_with(labels={"which": evil})
    path = ENV.replace("MODE", "{which}")
    playbooks = one(let={"which": "object.metadata.labels.which"}, plans=[plan(path, "'x'")])
    assert after(playbooks, cluster) == []


@pytest.mark.parametrize(
    ("key", "path"),
    [("disk", "spec.template.spec.nodeSelector.disk"), ("a.b", None), ("a..b", None)],
)
def test_a_filled_path_is_still_one_that_the_fix_may_write(key: str, path: str | None) -> None:
    cluster, _ = cluster_with(labels={"which": key})
    step = plan("spec.template.spec.nodeSelector.{which}", "'fast'", "set_scheduling")
    playbooks = one(let={"which": "object.metadata.labels.which"}, plans=[step])
    (finding,) = find(ClusterView(cluster.bundle()), playbooks)
    made = [f for d in finding.facts.drafts for c in d.changes for f in c.fields]
    assert bool(made) is (path is not None)


def test_placeholders_fill_paths_and_texts() -> None:
    cluster, _ = cluster_with(labels={"which": "MODE"})
    path = ENV.replace("MODE", "{which}")
    playbooks = one(let={"which": "object.metadata.labels.which"}, plans=[plan(path, "'x'")])
    assert after(playbooks, cluster) == ["x"]


def test_a_strangers_word_in_a_diagnosis_is_one_inert_line() -> None:
    cluster, name = cluster_with()
    cluster.log(name, "bad\x1b[2J \u202e news\nand more")
    playbooks = one(let={"word": "logs[0]"}, diagnosis={"en": "it says {word}"})
    (finding,) = find(ClusterView(cluster.bundle()), playbooks)
    assert finding.detail.isprintable()
    assert "bad" in finding.detail


def test_a_plan_may_aim_at_the_autoscaler_or_the_service_when_there_is_one() -> None:
    cluster, name = cluster_with()
    port = plan("spec.ports[0].targetPort", "1234", "set_service_port", target="service")
    assert after(one(plans=[port]), cluster) == [1234]
    most = plan("spec.maxReplicas", "6", "set_autoscaler_bounds", target="scaler")
    assert after(one(plans=[most]), cluster) == []
    cluster.objects["horizontalpodautoscalers"].append(
        {
            "metadata": {"name": "s", "namespace": cluster.namespace},
            "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": name}},
        }
    )
    assert after(one(plans=[most]), cluster) == [6]


def test_preconditions_come_from_the_declared_object() -> None:
    cluster, name = cluster_with()
    declared = copy.deepcopy(cluster.get("deployments", name))
    declared["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "declared"
    cluster.declared.append({"kind": "Deployment", **declared})
    (finding,) = find(ClusterView(cluster.bundle()), one(plans=[plan(ENV, "'new'")]))
    assert finding.facts.drafts[0].changes[0].fields[0].before == "declared"


# --- files that cannot be used


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "own.yaml:1: expected the node content, but found '<stream end>'"),
        ("- a", "own.yaml:1: not a mapping"),
        ("a: " + "[" * 20_000, "own.yaml:1: nested too deep"),
        ("a: 2026-13-45", "own.yaml:1: month must be in 1..12"),
        ("a" * 70_000, "own.yaml:1: more than 65536 characters"),
        ("", "own.yaml:1: not a mapping"),
        ("a: 1\nb: &x 1\nc: *x", "own.yaml:2: no anchors, aliases or tags"),
        ("a: !!python/object:os.system {}", "own.yaml:1: no anchors, aliases or tags"),
        (text_of() + "id: again_here\n", "own.yaml:13: id twice"),
        (text_of(nonsense=1), "own.yaml:13: nonsense: Extra inputs are not permitted"),
        (text_of(score=2), "own.yaml:9: score: Input should be less than or equal to 0.95"),
        (text_of(id="Bad Id"), "own.yaml:1: id: String should match pattern"),
        (text_of(id="healthy"), "own.yaml:1: id: healthy is for the rules to say"),
        (text_of(when=["object.spec.", "1 + 1"]), "own.yaml:8: when.0: Syntax error"),
        (
            text_of(when=["object.spec.", "1 + 1"]),
            "own.yaml:9: when.1: must be true or false, is int",
        ),
        (text_of(when=["nobody == 1"]), "own.yaml:8: when.0: undeclared reference to 'nobody'"),
        (
            text_of(when=["x" * 501]),
            "own.yaml:8: when.0: String should have at most 500 characters",
        ),
        (text_of(let={"pods": "1"}), "own.yaml:14: let.pods: pods is a variable already"),
        (text_of(diagnosis={"en": "{nobody}"}), "own.yaml:10: diagnosis: {nobody} is no let"),
        (text_of() + "let:\n  a: |\n    1 ==\n    2 +\n", "own.yaml:16: let.a: Syntax error"),
        (
            text_of(title={"en": "{name}"}),
            "own.yaml:2: title: a title names the class: no placeholders",
        ),
        (text_of(plans=[plan("spec.replicas", "1")]), "set_env may not write spec.replicas"),
        (
            text_of(
                plans=[
                    plan("spec.template.spec.containers[name=a].securityContext.privileged", "true")
                ]
            ),
            "may not write",
        ),
        (text_of(plans=[plan("metadata.finalizers", "1", "set_strategy")]), "may not write"),
        (text_of(plans=[plan(MEMORY, None, "set_memory")]), "is never removed: give it a value"),
        (text_of(plans=[plan("spec.a[", "1")]), "plans.0.changes.0"),
        (text_of(plans=[plan(ENV, "'x'", "create_object")]), "plans.0.fix"),
        (
            text_of(plans=[plan(ENV, "'x'", changes=[{"path": ENV}])]),
            "give either 'to' or 'remove: true'",
        ),
        (text_of(plans=[plan(ENV, "'x'", changes=[])]), "plans.0.changes"),
    ],
)
def test_a_bad_file_is_told_with_its_line(text: str, expected: str) -> None:
    found = problems_of(text)
    assert any(expected in problem for problem in found), found
    assert all(problem.count("own.yaml") == 1 for problem in found)


def test_one_bad_file_keeps_all_from_loading_and_all_problems_are_told() -> None:
    sources = [
        PlaybookSource("good.yaml", text_of()),
        PlaybookSource("bad.yaml", text_of(id="bad_one", when=["nope"], score=9)),
        PlaybookSource("worse.yaml", "a: ["),
        PlaybookSource("twin.yaml", text_of()),
    ]
    with pytest.raises(BadPlaybooks) as caught:
        compile_all(sources)
    told = str(caught.value)
    assert "bad.yaml:9" in told
    assert "worse.yaml:1" in told
    assert "twin.yaml:1: id too_many_colours is already in good.yaml" in told


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=200)
    | st.dictionaries(
        st.sampled_from(list(MINIMAL)),
        st.text(max_size=40) | st.lists(st.text(max_size=20), max_size=3),
    ).map(lambda d: text_of(**d))
)
def test_any_text_is_a_playbook_or_a_list_of_problems(text: str) -> None:
    with suppress(BadPlaybooks):
        compile_all([PlaybookSource("any.yaml", text)])


def test_the_schema_is_json_schema_with_every_field() -> None:
    schema = Playbook.model_json_schema()
    assert set(MINIMAL) <= set(schema["properties"])


# --- the shipped ones


def _stateful(strategy: dict[str, Any]) -> Cluster:
    cluster = Cluster(21)
    name = cluster.app()
    (deployment,) = cluster.objects.pop("deployments")
    cluster.objects["replicasets"] = []
    deployment["kind"] = "StatefulSet"
    deployment["spec"]["updateStrategy"] = strategy
    deployment["spec"]["replicas"] = 3
    deployment["status"] = {
        "replicas": 3,
        "readyReplicas": 1,
        "currentReplicas": 2,
        "currentRevision": "a",
        "updateRevision": "b",
    }
    cluster.objects["statefulsets"] = [deployment]
    pod = cluster.pod(name)
    pod["metadata"]["ownerReferences"] = [{"kind": "StatefulSet", "name": name, "controller": True}]
    pod["metadata"]["labels"]["controller-revision-hash"] = "b"
    return cluster


def _daemon_set(label: str) -> Cluster:
    cluster = Cluster(22)
    cluster.app()
    cluster.objects["nodes"][0]["metadata"]["labels"]["disk"] = "fast"
    cluster.objects["daemonsets"] = [
        {
            "kind": "DaemonSet",
            "metadata": {"name": "agent", "namespace": cluster.namespace},
            "spec": {"template": {"spec": {"nodeSelector": {"disk": label}, "containers": []}}},
            "status": {"desiredNumberScheduled": 0},
        }
    ]
    return cluster


def _job(**metadata: Any) -> Cluster:
    cluster = Cluster(23)
    cluster.app()
    cluster.objects["jobs"] = [
        {
            "kind": "Job",
            "metadata": {"name": "import", "namespace": cluster.namespace, **metadata},
            "spec": {"suspend": True, "template": {"spec": {"containers": []}}},
            "status": {},
        }
    ]
    return cluster


def _claim(status: str) -> Cluster:
    cluster = Cluster(24)
    cluster.app()
    cluster.objects["persistentvolumeclaims"].append(
        {
            "metadata": {"name": "data", "namespace": cluster.namespace},
            "spec": {"resources": {"requests": {"storage": "20Gi"}}},
            "status": {
                "phase": "Bound",
                "capacity": {"storage": "10Gi"},
                "conditions": [{"type": "FileSystemResizePending", "status": status}],
            },
        }
    )
    return cluster


SHIPPED: list[tuple[str, Callable[[], Cluster], bool, int]] = [
    ("rollout_held_by_partition", lambda: _stateful({"rollingUpdate": {"partition": 2}}), True, 1),
    ("rollout_held_by_partition", lambda: _stateful({"rollingUpdate": {"partition": 0}}), False, 0),
    ("update_waits_for_deletion", lambda: _stateful({"type": "OnDelete"}), True, 0),
    ("update_waits_for_deletion", lambda: _stateful({"type": "RollingUpdate"}), False, 0),
    ("daemon_set_on_no_node", lambda: _daemon_set("slow"), True, 0),
    ("daemon_set_on_no_node", lambda: _daemon_set("fast"), False, 0),
    ("job_suspended", _job, True, 1),
    ("job_suspended", lambda: _job(labels={"kueue.x-k8s.io/queue-name": "q"}), True, 0),
    ("job_suspended", lambda: _job(ownerReferences=[{"kind": "CronJob", "name": "c"}]), False, 0),
    ("claim_resize_pending", lambda: _claim("True"), True, 0),
    ("claim_resize_pending", lambda: _claim("False"), False, 0),
]


@pytest.mark.parametrize(("name", "made", "matches", "plans"), SHIPPED)
def test_a_shipped_playbook_sees_its_case_and_no_other(
    name: str, made: Callable[[], Cluster], matches: bool, plans: int
) -> None:
    found = [
        f for f in find(ClusterView(made().bundle()), load_playbooks()) if f.failure_class == name
    ]
    assert bool(found) is matches
    assert sum(len(f.facts.drafts) for f in found) == plans


def test_a_shipped_playbook_decides_a_case_from_end_to_end() -> None:
    cluster = _job()
    verdict: Verdict = core.diagnose(cluster.bundle(), playbooks=load_playbooks())
    assert verdict.analysis is not None
    assert verdict.analysis.failure_class == "job_suspended"
    assert verdict.status == "solution_proposed"
    field = verdict.plans[0].kubernetes_changes[0].fields[0]
    assert (field.path, field.before, field.after) == ("spec.suspend", True, False)


def test_every_shipped_playbook_is_tried_here_is_named_as_its_file_and_speaks_french() -> None:
    entries = load_playbooks().entries
    assert {e.playbook.id for e in entries} == {name for name, *_ in SHIPPED}
    assert {s.name for s in shipped()} == {f"playbooks/{e.playbook.id}.yaml" for e in entries}
    for entry in entries:
        texts = [entry.playbook.title, entry.playbook.diagnosis]
        texts += [proof.text for proof in entry.playbook.evidence]
        texts += [t for step in entry.playbook.plans for t in (step.title, step.why, *step.risks)]
        assert all(text.fr for text in texts)


def test_no_shipped_playbook_matches_a_healthy_cluster() -> None:
    for seed in range(5):
        cluster = Cluster(seed)
        for _ in range(4):
            cluster.app()
        assert list(find(ClusterView(cluster.bundle()), load_playbooks())) == []
