"""What a model may propose, sign by sign and number by number: at each threshold, of several containers, pods and Services."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.drafting.drafts import PlanDraft, spoken
from decide.core.proposals import (
    Fix,
    ModelProposal,
    ProposalTarget,
    RefusedProposal,
    draft_of,
    targets,
)
from decide.core.view import ClusterView
from schemas.base import ObjectRef
from schemas.plans import Analysis, Hypothesis
from tests.support.decide.clusters import Cluster
from tests.support.decide.views import SHOP, deployment, meta, pod, ref, series, service, view_of

Obj = dict[str, Any]
MIB = 2**20
WEB = ref("Deployment", "web")
SCALER = ref("HorizontalPodAutoscaler", "grow")


def analysis_of(*about: ObjectRef) -> Analysis:
    found = tuple(
        Hypothesis(failure_class="crash_code", object=one, root_cause="r", confidence=0.5)
        for one in about
    )
    return Analysis(
        failure_class="crash_code",
        object=about[0],
        root_cause="r",
        confidence=0.5,
        hypotheses=found,
    )


def drafted(
    view: ClusterView,
    fix: Fix,
    number: int | None,
    *,
    about: ObjectRef = WEB,
    aimed: ObjectRef | None = None,
    container: str = "main",
) -> PlanDraft | RefusedProposal:
    """The answer to a proposal that aims at ``aimed`` while ``about`` is the cause."""
    at = aimed or about
    offered = [
        ProposalTarget("T1", ref("Deployment", "nobody")),
        ProposalTarget("T2", at, container if at.kind in WORKLOADS else ""),
    ]
    return draft_of(view, offered, ModelProposal(fix=fix, target="T2", number=number), about)


WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Pod")


def answer(view: ClusterView, fix: Fix, number: int | None, **asked: Any) -> object:
    """The new value, or why there is none."""
    found = drafted(view, fix, number, **asked)
    if isinstance(found, RefusedProposal):
        return found.reason
    ((field,),) = [change.fields for change in found.changes]
    return field.after


def limited(*, cpu: str | None = "500m", memory: str | None = "128Mi", name: str = "main") -> Obj:
    limits = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v is not None}
    return {"name": name, "resources": {"limits": limits}, "ports": [{"containerPort": 8080}]}


def dead(reason: str = "OOMKilled", name: str = "main", *, now: bool = False) -> Obj:
    state = {"terminated": {"reason": reason, "exitCode": 137}}
    return {"name": name, "ready": False, ("state" if now else "lastState"): state}


def running(*statuses: Obj, name: str = "web-1", **fields: Any) -> Obj:
    return pod(name, labels={"app": "web"}, containerStatuses=list(statuses), **fields)


def shop(
    *pods: Obj,
    containers: tuple[Obj, ...] = (limited(),),
    kind: str = "Deployment",
    **fields: Any,
) -> ClusterView:
    app = deployment("web", SHOP, *containers, **fields.pop("spec", {}))
    app["kind"] = kind
    objects = {kind.lower() + "s": [app], "pods": list(pods)} | fields.pop("more", {})
    return view_of(objects, **fields)


def used(metric: str, *values: float, name: str = "web") -> Any:
    return series(metric, *values, tags={"kube_deployment": name})


# --- targets


def scaler(name: str = "grow", namespace: str = SHOP, **fields: Any) -> Obj:
    target = {"kind": "Deployment", "name": "web"} | fields.pop("target", {})
    said = fields.pop("conditions", [])
    return {
        **({"apiVersion": fields.pop("api")} if "api" in fields else {}),
        "metadata": meta(name, namespace),
        "spec": {"scaleTargetRef": target, **fields},
        "status": {"conditions": said},
    }


def test_targets_are_the_hypotheses_objects_with_their_containers_and_autoscalers() -> None:
    side = limited(name="side")
    scalers = [
        scaler("grow", api="autoscaling/v1"),
        scaler("away", "bank"),
        scaler("other-kind", target={"kind": "StatefulSet"}),
        scaler("other-name", target={"name": "api"}),
        scaler("more"),
    ]
    more = {"horizontalpodautoscalers": scalers, "services": [service("web")]}
    view = shop(containers=(limited(), side), more=more)
    about = [
        WEB,
        ref("Service", "door"),
        ref("Node", "n1"),
        ref("HorizontalPodAutoscaler", "lone"),
        ref("ConfigMap", "x"),
        WEB,
    ]
    found = targets(view, analysis_of(*about))
    assert [(t.label, t.ref.kind, t.ref.name, t.container) for t in found] == [
        ("T1", "Deployment", "web", "main"),
        ("T2", "Deployment", "web", "side"),
        ("T3", "HorizontalPodAutoscaler", "grow", ""),
        ("T4", "HorizontalPodAutoscaler", "more", ""),
        ("T5", "Service", "door", ""),
        ("T6", "HorizontalPodAutoscaler", "lone", ""),
    ]
    assert [found[2].ref.api_version, found[3].ref.api_version] == [
        "autoscaling/v1",
        "autoscaling/v2",
    ]
    assert {t.ref.namespace for t in found} == {SHOP}


def test_at_most_twelve_targets_are_offered() -> None:
    view = shop()
    about = [ref("Service", f"s{n}") for n in range(13)]
    assert len(targets(view, analysis_of(*about))) == 12
    assert len(targets(view, analysis_of(*about[:11]))) == 11


def test_the_cause_and_its_own_autoscaler_can_be_aimed_at_and_nothing_else() -> None:
    more = {
        "horizontalpodautoscalers": [
            scaler(maxReplicas=4),
            scaler("alien", target={"name": "api"}, maxReplicas=4),
        ]
    }
    view = shop(more=more)
    assert answer(view, "set_autoscaler_bounds", 5, aimed=SCALER) == "no_independent_signal"
    alien = ref("HorizontalPodAutoscaler", "alien")
    assert answer(view, "set_autoscaler_bounds", 5, aimed=alien) == "plan_of_another_object"
    assert (
        answer(view, "set_service_port", 5, aimed=ref("Service", "web")) == "plan_of_another_object"
    )


def test_a_label_that_was_not_offered_is_unknown() -> None:
    proposal = ModelProposal(fix="set_memory", target="T1", number=200)
    assert draft_of(shop(), [], proposal, WEB) == RefusedProposal("unknown_target")
    other = [ProposalTarget("T2", WEB, "main")]
    assert draft_of(shop(), other, proposal, WEB) == RefusedProposal("unknown_target")


# --- limits of memory and CPU


@pytest.mark.parametrize(
    ("fix", "reason"),
    [
        ("set_memory", "not_for_this_kind"),
        ("set_cpu", "not_for_this_kind"),
        ("set_replicas", "not_for_this_kind"),
        ("set_probe", "not_for_this_kind"),
        ("rollback_revision", "not_for_this_kind"),
    ],
)
def test_a_bare_pod_an_unknown_container_and_a_service_are_not_of_the_kind(
    fix: Fix, reason: str
) -> None:
    alone = view_of({"pods": [running(dead())]})
    assert answer(alone, fix, 200, about=ref("Pod", "web-1")) == reason
    assert answer(shop(running(dead())), fix, 200, container="none") == reason
    assert answer(shop(), fix, 200, about=ref("Service", "web")) == reason


@pytest.mark.parametrize(
    ("statuses", "signal"),
    [
        ([dead()], True),
        ([dead(now=True)], True),
        ([dead("Error")], False),
        ([dead(name="side")], False),
        ([dead("Error"), dead(name="side")], False),
        ([], False),
    ],
)
def test_a_kill_counts_for_the_container_that_was_killed(statuses: list[Obj], signal: bool) -> None:
    both = (limited(), limited(name="side"))
    view = shop(running(), running(*statuses, name="web-2"), containers=both)
    assert answer(view, "set_memory", 200) == ("200Mi" if signal else "no_independent_signal")


def test_a_kill_of_an_init_container_of_that_name_is_no_sign() -> None:
    one = running()
    one["status"]["initContainerStatuses"] = [dead()]
    assert answer(shop(one), "set_memory", 200) == "no_independent_signal"


@pytest.mark.parametrize(
    ("memory", "reason"), [(None, "no_limit_to_raise"), ("lots", "no_limit_to_raise")]
)
def test_without_a_readable_limit_there_is_none_to_raise(memory: str | None, reason: str) -> None:
    view = shop(running(dead()), containers=(limited(memory=memory, cpu=memory),))
    assert answer(view, "set_memory", 200) == reason
    assert answer(view, "set_cpu", 200) == reason


def test_the_limit_is_that_of_the_container_that_is_aimed_at() -> None:
    both = (limited(memory="64Mi"), limited(name="side", memory="512Mi"))
    view = shop(running(dead(), dead(name="side")), containers=both)
    assert answer(view, "set_memory", 128) == "128Mi"
    assert answer(view, "set_memory", 128, container="side") == "out_of_bounds"
    found = drafted(view, "set_memory", 600, container="side")
    assert isinstance(found, PlanDraft)
    assert found.changes[0].fields[0].path.endswith("containers[name=side].resources.limits.memory")


@pytest.mark.parametrize(
    ("fix", "metric", "below", "at", "asked", "value"),
    [
        ("set_memory", "kubernetes.memory.usage", 89 * MIB, 90 * MIB, 150, "150Mi"),
        ("set_cpu", "kubernetes.cpu.usage.total", 0.449e9, 0.45e9, 750, "750m"),
    ],
)
def test_use_counts_from_nine_tenths_of_the_limit(
    fix: Fix, metric: str, below: float, at: float, asked: int, value: str
) -> None:
    one = (limited(memory="100Mi"),)
    assert answer(shop(containers=one, metrics=(used(metric, 1, below, 1),)), fix, asked) == (
        "no_independent_signal"
    )
    assert answer(shop(containers=one, metrics=(used(metric, 1, at, 1),)), fix, asked) == value
    others = used(metric, at * 2, name="api")
    assert answer(shop(containers=one, metrics=(others,)), fix, asked) == "no_independent_signal"


@pytest.mark.parametrize(("throttled", "signal"), [((0.0,), False), ((0.1,), True), ((), False)])
def test_throttling_is_a_sign_for_more_cpu(throttled: tuple[float, ...], signal: bool) -> None:
    found = used("kubernetes.cpu.cfs.throttled.periods", *throttled)
    view = shop(metrics=(found,))
    assert answer(view, "set_cpu", 600) == ("600m" if signal else "no_independent_signal")
    assert answer(view, "set_memory", 200) == "no_independent_signal"


@pytest.mark.parametrize(
    ("fix", "number", "expected"),
    [
        ("set_memory", 100, "out_of_bounds"),
        ("set_memory", 101, "101Mi"),
        ("set_memory", 200, "200Mi"),
        ("set_memory", 201, "out_of_bounds"),
        ("set_memory", None, "out_of_bounds"),
        ("set_cpu", 500, "out_of_bounds"),
        ("set_cpu", 501, "501m"),
        ("set_cpu", 1000, "1"),
        ("set_cpu", 1001, "out_of_bounds"),
        ("set_cpu", None, "out_of_bounds"),
    ],
)
def test_a_limit_rises_and_at_most_doubles(fix: Fix, number: int | None, expected: str) -> None:
    throttled = used("kubernetes.cpu.cfs.throttled.periods", 1.0)
    view = shop(running(dead()), containers=(limited(memory="100Mi"),), metrics=(throttled,))
    assert answer(view, fix, number) == expected


def texts(draft: PlanDraft | RefusedProposal, language: str) -> tuple[str, str, list[str]]:
    assert isinstance(draft, PlanDraft)
    say = [spoken(x, language) for x in (draft.title, draft.why, *draft.risks)]  # type: ignore[arg-type]
    return say[0], say[1], say[2:]


ASK = {
    "en": ["Proposed by a language model: check it twice"],
    "fr": ["Proposé par un modèle de langage : à vérifier deux fois"],
}


@pytest.mark.parametrize(
    ("fix", "number", "kind", "english", "french"),
    [
        (
            "set_memory",
            200,
            "set_memory",
            (
                "Raise the memory limit of main to 200Mi",
                "main is killed or at its memory limit; new limit 200Mi.",
            ),
            (
                "Porter la limite de mémoire de main à 200Mi",
                "main est tué ou à sa limite de mémoire ; nouvelle limite 200Mi.",
            ),
        ),
        (
            "set_cpu",
            600,
            "set_cpu",
            (
                "Raise the CPU limit of main to 600m",
                "main is throttled or at its CPU limit; new limit 600m.",
            ),
            (
                "Porter la limite de CPU de main à 600m",
                "main est bridé ou à sa limite de CPU ; nouvelle limite 600m.",
            ),
        ),
        (
            "set_replicas",
            2,
            "set_replicas",
            ("Run 2 replica(s) of web", "1 replicas are too few; 2 are proposed."),
            ("Passer web à 2 réplica(s)", "1 réplicas ne suffisent pas ; 2 sont proposés."),
        ),
    ],
)
def test_a_draft_says_what_it_does_and_that_a_model_proposed_it(
    fix: Fix, number: int, kind: str, english: tuple[str, str], french: tuple[str, str]
) -> None:
    throttled = used("kubernetes.cpu.cfs.throttled.periods", 1.0)
    busy = used("kubernetes.cpu.usage.total", 0.5e9)
    found = drafted(shop(running(dead()), metrics=(throttled, busy)), fix, number)
    assert isinstance(found, PlanDraft)
    assert (found.fix_kind, found.weight) == (kind, 0.8)
    assert texts(found, "en") == (*english, ASK["en"])
    assert texts(found, "fr") == (*french, ASK["fr"])


# --- replicas


BUSY = used("kubernetes.cpu.usage.total", 0.45e9)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Deployment", 4), ("StatefulSet", 4), ("DaemonSet", "not_for_this_kind")],
)
def test_replicas_of_what_has_them(kind: str, expected: object) -> None:
    view = shop(kind=kind, metrics=(BUSY,), spec={"replicas": 2})
    assert answer(view, "set_replicas", 4, about=ref(kind, "web")) == expected


@pytest.mark.parametrize(
    ("desired", "number", "expected"),
    [
        (2, 3, 3),
        (2, 4, 4),
        (2, 5, "out_of_bounds"),
        (2, 2, "out_of_bounds"),
        (2, 1, "out_of_bounds"),
        (2, None, "out_of_bounds"),
        (1, 2, 2),
        (1, 3, "out_of_bounds"),
    ],
)
def test_a_busy_workload_may_have_twice_its_replicas(
    desired: int, number: int | None, expected: object
) -> None:
    view = shop(metrics=(BUSY,), spec={"replicas": desired})
    assert answer(view, "set_replicas", number) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 2),
        ({"containers": (limited(cpu=None),)}, "no_independent_signal"),
        ({"metrics": (used("kubernetes.cpu.usage.total", 0.44e9),)}, "no_independent_signal"),
        ({"metrics": ()}, "no_independent_signal"),
        ({"more": {"horizontalpodautoscalers": [scaler()]}}, "an_autoscaler_owns_it"),
        ({"more": {"horizontalpodautoscalers": [scaler("x", "bank")]}}, 2),
    ],
)
def test_more_replicas_need_use_at_the_limit_and_nobody_who_owns_the_number(
    fields: dict[str, Any], expected: object
) -> None:
    assert answer(shop(**({"metrics": (BUSY,)} | fields)), "set_replicas", 2) == expected


def endpoints(name: str, ready: int) -> Obj:
    return {"metadata": meta(name), "subsets": [{"addresses": [{"ip": "x"}] * ready}]}


@pytest.mark.parametrize(
    ("desired", "ready", "number", "expected"),
    [
        (0, (0,), 1, 1),
        (0, (0,), 2, "out_of_bounds"),
        (0, (1,), 1, "no_independent_signal"),
        (0, (1, 0), 1, 1),
        (0, (), 1, "no_independent_signal"),
        (1, (0,), 2, "no_independent_signal"),
    ],
)
def test_an_idle_workload_wakes_for_a_service_that_has_nobody(
    desired: int, ready: tuple[int, ...], number: int, expected: object
) -> None:
    services = [service(f"s{n}", selector={"app": "web"}) for n in range(len(ready))]
    ends = [endpoints(f"s{n}", count) for n, count in enumerate(ready)]
    view = shop(spec={"replicas": desired}, more={"services": services, "endpoints": ends})
    assert answer(view, "set_replicas", number) == expected


# --- autoscalers

FULL = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}


@pytest.mark.parametrize(
    ("most", "number", "expected"),
    [
        (4, 5, 5),
        (4, 8, 8),
        (4, 9, "out_of_bounds"),
        (4, 4, "out_of_bounds"),
        (1, 2, 2),
        (1, 3, "out_of_bounds"),
        (0, 1, 1),
        (0, 2, "out_of_bounds"),
        (4, None, "out_of_bounds"),
    ],
)
def test_a_ceiling_rises_and_at_most_doubles(
    most: int, number: int | None, expected: object
) -> None:
    more = {"horizontalpodautoscalers": [scaler(maxReplicas=most, conditions=[FULL])]}
    assert answer(shop(more=more), "set_autoscaler_bounds", number, aimed=SCALER) == expected


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        [FULL | {"status": "False"}],
        [FULL | {"reason": "TooFewReplicas"}],
        [FULL | {"type": "AbleToScale"}],
    ],
)
def test_a_ceiling_rises_only_where_the_autoscaler_stands_at_it(conditions: list[Obj]) -> None:
    more = {"horizontalpodautoscalers": [scaler(maxReplicas=4, conditions=conditions)]}
    asked = answer(shop(more=more), "set_autoscaler_bounds", 5, aimed=SCALER)
    assert asked == "no_independent_signal"


def test_a_ceiling_is_an_autoscalers_and_that_one_must_be_there() -> None:
    assert answer(shop(), "set_autoscaler_bounds", 5) == "not_for_this_kind"
    lone = ref("HorizontalPodAutoscaler", "lone")
    assert answer(shop(), "set_autoscaler_bounds", 5, about=lone) == "not_for_this_kind"
    named = {"horizontalpodautoscalers": [scaler("web", maxReplicas=4, conditions=[FULL])]}
    assert answer(shop(more=named), "set_autoscaler_bounds", 5) == "not_for_this_kind"


def test_a_ceilings_draft_tells_the_old_and_the_new_one() -> None:
    more = {"horizontalpodautoscalers": [scaler(maxReplicas=4, conditions=[FULL])]}
    found = drafted(shop(more=more), "set_autoscaler_bounds", 6, aimed=SCALER)
    assert isinstance(found, PlanDraft)
    assert (found.fix_kind, found.weight) == ("set_autoscaler_bounds", 0.8)
    assert found.changes[0].object == SCALER
    assert found.changes[0].fields[0].path == "spec.maxReplicas"
    assert texts(found, "en") == (
        "Raise maxReplicas of grow to 6",
        "The autoscaler stands at its maximum of 4.",
        ASK["en"],
    )
    assert texts(found, "fr") == (
        "Porter maxReplicas de grow à 6",
        "L'autoscaler est à son maximum de 4.",
        ASK["fr"],
    )


# --- probes


def unhealthy(message: str, reason: str = "Unhealthy", name: str = "web-1") -> Obj:
    about = {"kind": "Pod", "namespace": SHOP, "name": name}
    return {"metadata": meta("e"), "involvedObject": about, "reason": reason, "message": message}


def probing(
    message: str, *, sick: bool = True, reason: str = "Unhealthy", **probes: Obj
) -> ClusterView:
    ports = [{"name": "http", "containerPort": 8080}, {"containerPort": 9090}]
    container = {"name": "main", "ports": ports} | {f"{k}Probe": v for k, v in probes.items()}
    one = running({"name": "main", "ready": not sick})
    return shop(one, containers=(container,), more={"events": [unhealthy(message, reason)]})


@pytest.mark.parametrize("name", ["liveness", "readiness", "startup"])
@pytest.mark.parametrize("handler", ["httpGet", "tcpSocket", "grpc"])
def test_a_failing_probe_is_given_a_port_of_its_container(name: str, handler: str) -> None:
    view = probing(f"{name.title()} probe failed: refused", **{name: {handler: {"port": 1}}})
    found = drafted(view, "set_probe", 9090)
    assert isinstance(found, PlanDraft)
    (field,) = found.changes[0].fields
    assert field.path == f"spec.template.spec.containers[name=main].{name}Probe.{handler}.port"
    assert (field.before, field.after, found.fix_kind, found.weight) == (1, 9090, "set_probe", 0.8)
    assert texts(found, "en") == (
        f"{name} probe of main asks port 9090",
        f"The {name} probe fails; 9090 is a port of main.",
        ASK["en"],
    )
    assert texts(found, "fr") == (
        f"La sonde {name} de main vise le port 9090",
        f"La sonde {name} échoue ; 9090 est un port de main.",
        ASK["fr"],
    )


@pytest.mark.parametrize(
    ("fields", "number", "expected"),
    [
        ({}, 8080, 8080),
        ({}, 9090, 9090),
        ({}, 1, "out_of_bounds"),
        ({}, None, "out_of_bounds"),
        ({"sick": False}, 8080, "no_independent_signal"),
        ({"reason": "BackOff"}, 8080, "no_independent_signal"),
        ({"message": "Liveness probe failed"}, 8080, "no_independent_signal"),
        ({"message": "no Readiness probe failed"}, 8080, "no_independent_signal"),
        ({"message": "READINESS PROBE errored"}, 8080, 8080),
        ({"readiness": {"exec": {"command": ["x"]}}}, 8080, "no_independent_signal"),
        ({"readiness": {"httpGet": {"port": 8080}}}, 8080, "no_independent_signal"),
        ({"readiness": {"httpGet": {"port": "http"}}}, 8080, "no_independent_signal"),
        ({"readiness": {"httpGet": {"port": "http"}}}, 9090, 9090),
        ({"readiness": {"httpGet": {"port": "none"}}}, 8080, 8080),
    ],
)
def test_a_probes_port_needs_a_probe_that_fails_now_and_asks_another(
    fields: dict[str, Any], number: int | None, expected: object
) -> None:
    given = {"message": "Readiness probe failed", "readiness": {"httpGet": {"port": 1}}} | fields
    assert answer(probing(**given), "set_probe", number) == expected


def test_of_several_probes_the_one_that_fails_is_changed() -> None:
    wrong = {"httpGet": {"port": 1}}
    view = probing("Readiness probe failed", liveness=wrong, readiness=wrong, startup=wrong)
    found = drafted(view, "set_probe", 8080)
    assert isinstance(found, PlanDraft)
    assert "readinessProbe" in found.changes[0].fields[0].path


# --- Services

DOOR = ref("Service", "web")


def door(*ports: Obj, selector: str = "web") -> ClusterView:
    listening = {
        "name": "main",
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "admin", "containerPort": 9090},
        ],
    }
    chosen = service("web", SHOP, *ports, selector={"app": selector})
    return shop(containers=({"name": "first"}, listening), more={"services": [chosen]})


@pytest.mark.parametrize(
    ("ports", "number", "expected"),
    [
        ([{"port": 80, "targetPort": 1}], 8080, 8080),
        ([{"port": 80, "targetPort": 1}], 9090, 9090),
        ([{"port": 80, "targetPort": 1}], 80, "out_of_bounds"),
        ([{"port": 80, "targetPort": 1}], None, "out_of_bounds"),
        ([{"port": 80, "targetPort": "1"}], 8080, 8080),
        ([{"port": 80, "targetPort": "none"}], 8080, 8080),
        ([{"port": 80}], 8080, 8080),
        ([{"port": 80, "targetPort": 8080}], 9090, "no_independent_signal"),
        ([{"port": 80, "targetPort": "8080"}], 9090, "no_independent_signal"),
        ([{"port": 80, "targetPort": "http"}], 9090, "no_independent_signal"),
        ([{"port": 8080}], 9090, "no_independent_signal"),
        (
            [{"port": 80, "targetPort": 1}, {"port": 81, "targetPort": 2}],
            8080,
            "no_independent_signal",
        ),
        ([{"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": 2}], 9090, 9090),
    ],
)
def test_a_services_target_port_is_given_a_port_of_its_pods(
    ports: list[Obj], number: int | None, expected: object
) -> None:
    assert answer(door(*ports), "set_service_port", number, about=DOOR) == expected


def test_the_port_that_leads_nowhere_is_the_one_that_is_changed() -> None:
    view = door({"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": 2})
    found = drafted(view, "set_service_port", 9090, about=DOOR)
    assert isinstance(found, PlanDraft)
    assert found.changes[0].fields[0].path == "spec.ports[1].targetPort"
    assert (found.fix_kind, found.weight) == ("set_service_port", 0.8)
    assert texts(found, "en") == (
        "Service web sends to port 9090",
        "The target port of web is none of its pods' ports; 9090 is.",
        ASK["en"],
    )
    assert texts(found, "fr") == (
        "Le Service web vise le port 9090",
        "Le targetPort de web n'est pas un port de ses pods ; 9090 l'est.",
        ASK["fr"],
    )


def test_a_service_must_be_there_and_have_pods() -> None:
    none = door({"port": 80, "targetPort": 1}, selector="nobody")
    assert answer(none, "set_service_port", 8080, about=DOOR) == "out_of_bounds"
    assert answer(shop(), "set_service_port", 8080, about=DOOR) == "not_for_this_kind"
    assert answer(door({"port": 80}), "set_service_port", 8080) == "not_for_this_kind"


# --- going back


def revised(*, minutes: float = 30) -> tuple[Cluster, str]:
    cluster = Cluster(1)
    name = cluster.app()
    cluster.revise(name, minutes=minutes, image="registry.example/new:2")
    return cluster, name


def back(cluster: Cluster, name: str) -> PlanDraft | RefusedProposal:
    about = ObjectRef(
        api_version="apps/v1", kind="Deployment", namespace=cluster.namespace, name=name
    )
    return drafted(ClusterView(cluster.bundle()), "rollback_revision", None, about=about)


def test_going_back_is_a_draft_of_the_rules_that_says_it_is_a_models() -> None:
    cluster, name = revised()
    cluster.crashed(name, 1)
    found = back(cluster, name)
    assert isinstance(found, PlanDraft)
    assert (found.fix_kind, found.weight) == ("rollback_revision", 0.8)
    risks = texts(found, "en")[2]
    assert risks[0] == ASK["en"][0]
    assert len(risks) > 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff"}}}, ""),
        ({"state": {"terminated": {"exitCode": 1}}}, ""),
        ({"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}, ""),
        ({"state": {"running": {}}}, "no_independent_signal"),
    ],
)
def test_going_back_needs_a_container_that_fails(status: Obj, reason: str) -> None:
    cluster, name = revised()
    cluster.status(name, **status)
    found = back(cluster, name)
    assert (found.reason if isinstance(found, RefusedProposal) else "") == reason


def test_a_container_that_is_ready_again_and_a_workload_that_is_available_do_not_go_back() -> None:
    cluster, name = revised()
    cluster.status(
        name, ready=True, state={"running": {}}, lastState={"terminated": {"exitCode": 1}}
    )
    cluster.down(name)
    assert back(cluster, name) == RefusedProposal("no_independent_signal")
    cluster.status(name, ready=True, state={"waiting": {"reason": "x"}})
    cluster.get("deployments", name)["status"]["conditions"] = []
    assert back(cluster, name) == RefusedProposal("no_independent_signal")


def test_only_a_deployment_goes_back() -> None:
    view = shop(running(dead()), kind="StatefulSet")
    assert answer(view, "rollback_revision", None, about=ref("StatefulSet", "web")) == (
        "not_for_this_kind"
    )


def test_what_stands_there_already_has_no_effect() -> None:
    declared = {"path": "a.yaml", "object": deployment("web", SHOP, limited(memory="200Mi"))}
    view = shop(running(dead()), declared=(declared,))
    assert answer(view, "set_memory", 200) == "no_effect"
