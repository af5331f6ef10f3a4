"""Who is asked is told what to look at: commands that read and change nothing, with the names of this incident in them."""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Iterable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.core import candidate, diagnose, fingerprint_of
from decide.core.families.entry import Collected, Look
from decide.core.looks import ANYWHERE, INSTEAD, WAYS
from decide.core.next_steps import MOST, next_steps
from decide.core.opinion import Verdict
from decide.core.scene import resource, scene
from decide.core.taxonomy import CLASSES
from decide.core.view import ClusterView
from kfix.texts import LANGUAGES, Language, known
from schemas.alerts import Alert
from schemas.base import ObjectRef
from schemas.context import ContextBundle, SourceStatus
from schemas.next_steps import NextStep
from schemas.places import ClusterClaim
from schemas.plans import AbstentionReason, Analysis, CandidatePlans, Hypothesis, SecondOpinion
from tests.support.decide.catalogue import CALM, FAULTS
from tests.support.decide.clusters import Cluster

#: What each program does with these is to read.
READING = {
    "kubectl": ("get", "describe", "logs", "top", "auth can-i", "rollout history"),
    "docker": ("manifest inspect",),
    "skopeo": ("list-tags",),
}
REASONS: tuple[AbstentionReason, ...] = get_args(AbstentionReason)
HOSTILE = (
    "--kubeconfig=x", "-n", "a b", "a;rm -rf /", "$(id)", "`id`", "a\nb", "a'b", 'a"b', "a|b", "<!channel>",
    "\u202eabc", "ä", "A", "", ".", "a" * 300, "{pod}", "a{0}", "../x", "x/y", ":tada:", "a,b", "a=b", "é\x00",
)  # fmt: skip
#: None looks like a text's id, which no sentence may show.
NAMES = st.one_of(
    st.sampled_from(HOSTILE), st.text(max_size=12), st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z]")
).filter(lambda name: not re.search(r"\bsteps\.\w", name))


def handed(
    class_id: str, ref: ObjectRef, reason: AbstentionReason = "outside_manifests", *more: Hypothesis
) -> Verdict:
    """An answer of that class at that object which people are asked about."""
    first = Hypothesis(failure_class=class_id, object=ref, root_cause="r", confidence=0.5)
    analysis = Analysis(
        failure_class=class_id,
        object=ref,
        root_cause="r",
        confidence=0.5,
        hypotheses=(first, *more),
    )
    return Verdict("needs_human", reason, "", analysis, ())


def check_safe(steps: Iterable[NextStep]) -> None:
    """Every command reads, is whole, and is one of a closed alphabet: nothing in it acts, in a shell or in a chat."""
    for step in steps:
        assert step.what
        assert not re.search(r"\bsteps\.\w", step.what), step.what
        assert not re.search(r"\{[a-z_]+\}", step.command)
        if not step.command:
            continue
        words = shlex.split(step.command)
        verbs = READING[words[0]]
        assert any(words[1 : 1 + len(verb.split())] == verb.split() for verb in verbs), words
        assert re.fullmatch(r"[a-z]+ [A-Za-z0-9 .,:=/_-]+", step.command)
        assert not {"--kubeconfig", "--token", "--server", "-s", "-f", "--filename"} & set(words)
        if any(word.startswith("secret") for word in re.split(r"[ ,/]", step.command)):
            assert "yaml" not in step.command
            assert "json" not in step.command


def sick_cluster() -> tuple[Cluster, str, ContextBundle]:
    cluster = Cluster(3)
    app = cluster.app()
    cluster.crashed(app, 1, "panic: no config")
    return cluster, app, cluster.bundle(app)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("class_id", CLASSES)
def test_each_class_gives_two_to_five_steps(class_id: str, language: Language) -> None:
    cluster, app, bundle = sick_cluster()
    deployment = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    for ref in (deployment, ObjectRef(kind="Node", name=cluster.nodes[0])):
        steps = next_steps(bundle, handed(class_id, ref), language)
        assert 2 <= len(steps) <= MOST == 5
        assert sum(bool(step.command) for step in steps) >= 2
        assert len({step.command or step.what for step in steps}) == len(steps)
        check_safe(steps)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_gives_steps_in_both_languages(reason: AbstentionReason) -> None:
    cluster, app, bundle = sick_cluster()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    english = next_steps(bundle, handed("crash_code", ref, reason))
    french = next_steps(bundle, handed("crash_code", ref, reason), "fr")
    assert len(english) == len(french) >= 2
    assert [s.command for s in english] == [s.command for s in french]
    assert all(e.what != f.what for e, f in zip(english, french, strict=True))


def test_every_look_has_a_way_and_a_sentence_and_every_source_a_look() -> None:
    assert set(WAYS) == set(get_args(Look))
    assert all(known(f"steps.look.{look}") for look in get_args(Look))
    assert set(INSTEAD) == set(get_args(Collected))
    used = {look for entry in CLASSES.values() for look in entry.looks} | set(ANYWHERE)
    assert used | set(INSTEAD.values()) == set(get_args(Look))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_hands_over_says_what_to_look_at(fault: str) -> None:
    cluster = Cluster(21)
    app = cluster.app()
    FAULTS[fault](cluster, app)
    bundle = cluster.bundle(app)
    verdict = diagnose(bundle)
    steps = next_steps(bundle, verdict)
    check_safe(steps)
    if verdict.status == "no_action":
        assert steps == ()
        return
    assert 2 <= len(steps) <= MOST
    assert verdict.analysis is not None
    name = verdict.analysis.object.name
    assert any(name in step.command or name in step.what for step in steps)


@pytest.mark.parametrize("calm", CALM)
def test_where_nothing_is_to_be_done_nothing_is_to_be_looked_at(calm: str) -> None:
    cluster = Cluster(3)
    app = cluster.app()
    CALM[calm](cluster, app)
    verdict = diagnose(cluster.bundle(app))
    steps = next_steps(cluster.bundle(app), verdict)
    assert (steps == ()) is (verdict.status == "no_action")


def test_the_last_words_are_of_the_run_that_crashed_and_of_the_container_that_did() -> None:
    cluster, app, bundle = sick_cluster()
    pod = cluster.pod(app)["metadata"]["name"]
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    commands = [s.command for s in next_steps(bundle, handed("crash_code", ref))]
    where = f"pod/{pod} -n {cluster.namespace}"
    assert f"kubectl logs {where} -c main --previous --tail=100" in commands
    assert f"kubectl describe {where}" in commands
    assert f"kubectl rollout history deployment/{app} -n {cluster.namespace}" in commands


def test_the_last_words_of_what_never_crashed_are_of_this_run() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    commands = [s.command for s in next_steps(cluster.bundle(app), handed("crash_code", ref))]
    assert any(" logs pod/" in command for command in commands)
    assert not any("--previous" in command for command in commands)


def test_nobody_is_sent_to_the_log_of_a_workload_without_pods() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    cluster.objects["pods"].clear()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    steps = next_steps(cluster.bundle(app), handed("zero_replicas", ref))
    assert not any(" logs " in step.command for step in steps)


def test_the_least_well_pod_is_looked_at() -> None:
    cluster, app, _ = sick_cluster()
    well = cluster.app()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    names = scene(ClusterView(cluster.bundle(well)), [ref])
    assert names["pod"].startswith(f"pod/{cluster.pod(app)['metadata']['name']} ")


def test_a_pod_that_ended_well_is_not_the_one_that_suffers() -> None:
    """A job's pod that is done is not ready; the one that hangs is."""
    cluster = Cluster(3)
    app = cluster.app()
    running = cluster.pod(app)
    done = copy.deepcopy(running)
    done["metadata"]["name"] = "a-done"
    done["status"]["phase"] = "Succeeded"
    for status in done["status"]["containerStatuses"]:
        status.update(ready=False, state={"terminated": {"exitCode": 0, "reason": "Completed"}})
    cluster.objects["pods"].insert(0, done)
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    names = scene(ClusterView(cluster.bundle(app)), [ref])
    assert names["pod"].startswith(f"pod/{running['metadata']['name']} ")


@pytest.mark.parametrize(
    ("ref", "shown"),
    [
        (ObjectRef(api_version="apps/v1", kind="Deployment", namespace="n", name="a"), "deployment/a -n n"),
        (ObjectRef(api_version="v1", kind="Node", name="a"), "node/a"),
        (ObjectRef(api_version="networking.k8s.io/v1", kind="Ingress", namespace="n", name="a"), "ingress/a -n n"),
        (ObjectRef(api_version="networking.istio.io/v1", kind="VirtualService", namespace="n", name="a"), "virtualservice.networking.istio.io/a -n n"),
        (ObjectRef(api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", namespace="n", name="a"), "httproute.gateway.networking.k8s.io/a -n n"),
        (ObjectRef(api_version="x.example/v1", kind="Widget", namespace="n", name="a"), "widget.x.example/a -n n"),
        (ObjectRef(kind="Deployment", name="a"), ""),
        (ObjectRef(kind="Deployment --all", namespace="n", name="a"), ""),
        (ObjectRef(api_version="-x.y/v1", kind="Widget", namespace="n", name="a"), ""),
        (ObjectRef(kind="Pod", namespace="n", name="-a"), ""),
        (ObjectRef(kind="Pod", namespace="-n", name="a"), ""),
    ],
)  # fmt: skip
def test_an_object_is_named_as_kubectl_takes_it_or_not_at_all(ref: ObjectRef, shown: str) -> None:
    assert resource(ref) == shown


def test_a_secret_is_never_printed() -> None:
    cluster, app, bundle = sick_cluster()
    ref = ObjectRef(api_version="v1", kind="Secret", namespace=cluster.namespace, name="tls")
    for class_id in CLASSES:
        check_safe(next_steps(bundle, handed(class_id, ref)))
    assert app


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(sorted(CLASSES)),
    NAMES,
    NAMES,
    NAMES,
    NAMES,
    st.sampled_from(REASONS),
    st.data(),
)
def test_no_name_becomes_more_than_a_name(
    class_id: str, space: str, name: str, pod: str, other: str, reason: AbstentionReason, data: Any
) -> None:
    kind = data.draw(
        st.sampled_from(
            ["Deployment", "Pod", "Service", "Node", "ResourceQuota", "Secret", other or "X"]
        )
    )
    bundle = hostile(space, name, pod, other)
    ref = ObjectRef(kind=kind, namespace=space, name=name or "x")
    for language in LANGUAGES:
        steps = next_steps(bundle, handed(class_id, ref, reason), language)
        assert 2 <= len(steps) <= MOST
        check_safe(steps)


def hostile(space: str, name: str, pod: str, other: str) -> ContextBundle:
    """A cluster all of whose names are outside text."""
    cluster = Cluster(3)
    app = cluster.app()
    cluster.crashed(app, 1, "panic")
    for objects in cluster.objects.values():
        for obj in objects:
            obj["metadata"]["namespace"] = space
    cluster.get("deployments", app)["metadata"]["name"] = name
    one = cluster.objects["pods"][0]
    one["metadata"]["name"] = pod
    one["spec"].update(nodeName=other, serviceAccountName=other)
    one["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": other}}]
    one["spec"]["containers"][0].update(name=other, image=other)
    bundle = cluster.bundle(app)
    silent = SourceStatus(name="kubernetes." + other, state="missing", reason=name, why="refused")
    return bundle.model_copy(
        update={"team": other, "sources": (silent,), "alert": Alert(title=other, state="firing")}
    )


def unread(bundle: ContextBundle, verdict: Verdict) -> list[str]:
    return [
        step.what for step in next_steps(bundle, verdict) if step.what.startswith("K-Fix had no")
    ]


def test_what_was_not_read_and_decides_the_class_is_shown_how_to_get() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    assert unread(cluster.bundle(app), handed("insufficient_cpu", ref)) == []
    cluster.objects.pop("nodes")
    steps = next_steps(cluster.bundle(app), handed("insufficient_cpu", ref))
    told = [step for step in steps if step.what.startswith("K-Fix had no nodes")]
    assert [step.command for step in told] == ["kubectl get nodes -o wide"]


def test_where_no_cause_is_named_whatever_was_not_read_is_shown_and_the_monitor_is_linked() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    cluster.log(app, "ready")
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    page = "https://app.datadoghq.eu/monitors/1"
    bundle = cluster.bundle(app).model_copy(update={"links": {"monitor": page}})
    steps = next_steps(bundle, handed("undetermined", ref, "not_enough_evidence"))
    assert any(
        step.what.startswith("K-Fix had no metrics") and " top pod" in step.command
        for step in steps
    )
    assert page in [step.link for step in steps]


@pytest.mark.parametrize("source", get_args(Collected))
def test_each_source_that_was_not_read_has_a_command_that_shows_it(source: Collected) -> None:
    for way in WAYS[INSTEAD[source]]:
        assert way.startswith(READING["kubectl"])


def test_a_silent_source_is_named_with_its_reason_and_what_to_do() -> None:
    cluster = Cluster(3)
    app = cluster.app()
    for name, why, command in (
        ("kubernetes.objects", "unanswered", "kubectl get --raw=/readyz"),
        ("kubernetes.objects", "refused", f"kubectl auth can-i --list -n {cluster.namespace}"),
        ("datadog.metrics", "unanswered", ""),
    ):
        status = SourceStatus.model_validate(
            {"name": name, "state": "missing", "reason": "no answer within 20 s", "why": why}
        )
        bundle = cluster.bundle(app).model_copy(update={"sources": (status,)})
        verdict = diagnose(bundle)
        assert verdict.reason == "not_checked"
        first = next_steps(bundle, verdict)[0]
        assert first.command == command
        assert name in first.what
        assert "no answer within 20 s" in first.what


def test_without_any_evidence_there_are_steps_all_the_same() -> None:
    bundle = (
        Cluster(3)
        .bundle()
        .model_copy(
            update={
                "k8s_context": Cluster(3)
                .bundle()
                .k8s_context.model_copy(update={"objects": {}, "namespace": "", "subject": None})
            }
        )
    )
    steps = next_steps(bundle, Verdict("needs_human", "not_checked", "", None, ()))
    assert 2 <= len(steps) <= MOST
    check_safe(steps)


def test_of_two_equal_causes_both_objects_are_looked_at() -> None:
    cluster, app, _ = sick_cluster()
    rival = cluster.app()
    space = cluster.namespace
    one = ObjectRef(kind="Deployment", namespace=space, name=app)
    two = ObjectRef(kind="Deployment", namespace=space, name=rival)
    other = Hypothesis(failure_class="load_surge", object=two, root_cause="r", confidence=0.5)
    steps = next_steps(cluster.bundle(app), handed("crash_code", one, "ambiguous", other))
    commands = " ".join(step.command for step in steps)
    assert cluster.pod(app)["metadata"]["name"] in commands
    assert cluster.pod(rival)["metadata"]["name"] in commands


@pytest.mark.parametrize("named", [("west",), ()])
def test_no_command_is_given_for_another_cluster(named: tuple[str, ...]) -> None:
    claim = ClusterClaim(verdict="foreign", named=named, own="east")
    bundle = Cluster(3).bundle().model_copy(update={"claim": claim})
    steps = next_steps(bundle, Verdict("needs_human", "another_cluster", "", None, ()))
    assert len(steps) == 2
    assert not any(step.command for step in steps)
    assert all(name in steps[0].what for name in named)


@pytest.mark.parametrize(
    ("reason", "word"),
    [("code_defect", "mend the program"), ("data_loss_risk", "backup"), ("capacity", "room")],
)
def test_the_owner_is_asked_for_what_only_the_owner_can_do(
    reason: AbstentionReason, word: str
) -> None:
    cluster, app, bundle = sick_cluster()
    ref = ObjectRef(kind="Deployment", namespace=cluster.namespace, name=app)
    owned = bundle.model_copy(update={"team": "payments"})
    last = next_steps(owned, handed("crash_code", ref, reason))[-1]
    assert word in last.what
    assert "payments" in last.what
    assert ref.key in last.what
    assert last.command == ""


def record(bundle: ContextBundle, verdict: Verdict) -> CandidatePlans:
    return candidate(
        bundle,
        verdict,
        incident_id="inc",
        fingerprint=fingerprint_of(bundle, verdict),
        role="first",
        said=SecondOpinion(),
        language="fr",
    )


def test_the_record_carries_them_in_its_language_and_what_they_say() -> None:
    _, _, bundle = sick_cluster()
    verdict = diagnose(bundle, language="fr")
    kept = record(bundle, verdict).next_steps
    assert kept == next_steps(bundle, verdict, "fr")
    assert all(step.what_text is not None for step in kept)


def test_a_record_of_before_there_were_steps_is_read() -> None:
    _, _, bundle = sick_cluster()
    old = record(bundle, diagnose(bundle)).model_dump(mode="json")
    del old["next_steps"]
    assert CandidatePlans.model_validate(old).next_steps == ()
