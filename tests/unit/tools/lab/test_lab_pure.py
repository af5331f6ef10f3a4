"""The lab's parts that need no cluster: names, what a kubelet would write, what a prober would say."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any

import pytest

from tools.lab import apps, fleet
from tools.lab.cases import scenes
from tools.lab.dump import label
from tools.lab.faults import FAMILIES, inject, load
from tools.lab.kubelet import outcome
from tools.lab.names import Words
from tools.lab.probing import failing
from tools.lab.scene import App, Program, Scene
from tools.lab.starting import Lookup

NODES = fleet.fleet(random.Random(1))
WEB = Program("go", 8080, "http", "/healthz", "/app/web", 64, 10, 5)


def a_scene(seed: int = 7) -> Scene:
    return apps.scene("case", seed, NODES)


def pod_of(app: App) -> dict[str, Any]:
    meta = {"name": f"{app.name}-5d4f-abcde", "namespace": app.namespace, "uid": "u-1"}
    return {"metadata": meta, "spec": app.spec}


def nothing(plural: str, name: str) -> None:
    return None


def first_status(scene: Scene, app: App, lookup: Lookup = nothing) -> dict[str, Any]:
    fate = outcome(scene, app, pod_of(app), "10.244.0.9", lookup)
    status: dict[str, Any] = fate.status["containerStatuses"][0]
    return status


def test_names_are_valid_labels_and_never_given_twice() -> None:
    words = Words(random.Random(3))
    names = [words.app() for _ in range(500)]
    assert len(set(names)) == 500
    assert all(re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) for name in names)


@pytest.mark.parametrize("seed", range(40))
def test_a_misspelling_is_another_valid_label(seed: int) -> None:
    words = Words(random.Random(seed))
    name = words.app()
    wrong = words.misspelt(name)
    assert wrong != name
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", wrong)


def test_a_seed_makes_the_same_applications_again() -> None:
    assert [a.objects for a in a_scene().apps] == [a.objects for a in a_scene().apps]


@pytest.mark.parametrize("seed", range(30))
def test_an_application_without_a_fault_gets_ready(seed: int) -> None:
    scene = a_scene(seed)
    for app in scene.apps:
        status = first_status(scene, app)
        assert status["ready"] is True
        assert "running" in status["state"]


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"httpGet": {"path": "/healthz", "port": 8080}}, ""),
        ({"tcpSocket": {"port": 8080}}, ""),
        ({"httpGet": {"path": "/nope", "port": 8080}}, "HTTP probe failed with statuscode: 404"),
        ({"tcpSocket": {"port": 81}}, "dial tcp 10.0.0.9:81: connect: connection refused"),
        ({"httpGet": {"path": "/", "port": "web"}}, 'port "web" not found'),
        ({"httpGet": {"path": "/", "port": 8080, "scheme": "HTTPS"}}, "server gave HTTP response"),
        ({"grpc": {"port": 8080}}, "error reading server preface"),
    ],
)
def test_a_prober_says_what_does_not_fit(probe: dict[str, Any], said: str) -> None:
    told = failing(WEB, "readiness", probe, {"ports": []}, "10.0.0.9")
    assert (said in told) if said else not told


def test_a_liveness_probe_that_gives_up_before_the_program_listens_fails() -> None:
    slow = replace(WEB, start_s=60)
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 2}
    assert failing(slow, "liveness", probe, {}, "10.0.0.9")
    assert not failing(slow, "readiness", probe, {}, "10.0.0.9")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("oom", "OOMKilled"),
        ("command", "StartError"),
        ("env_missing", "Error"),
        ("crash", "Error"),
    ],
)
def test_a_program_that_dies_waits_for_its_restart(fault: str, reason: str) -> None:
    scene = a_scene()
    app = scene.apps[0]
    answer = inject(scene, app, load()[fault])
    status = first_status(scene, app)
    assert answer.object == f"app/{app.name}"
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["lastState"]["terminated"]["reason"] == reason
    assert status["restartCount"] > 0


def test_a_key_that_is_missing_is_told_in_the_kubelets_words() -> None:
    scene = a_scene()
    app = scene.apps[0]
    inject(scene, app, load()["missing_key"])
    held = {
        m["metadata"]["name"]: {"data": m.get("data") or m.get("stringData")} for m in app.extras
    }
    status = first_status(scene, app, lambda plural, name: held.get(name))
    waiting = status["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert re.match(r"couldn't find key \S+ in (ConfigMap|Secret) ", waiting["message"])


@pytest.mark.parametrize("seed", range(5))
def test_every_fault_changes_a_scene_and_names_a_known_class(seed: int) -> None:
    from decide.core.taxonomy import CLASSES

    for name, fault in load().items():
        scene = a_scene(seed)
        answer = inject(scene, scene.apps[-1], fault)
        assert fault.failure_class in CLASSES, name
        assert re.match(r"(app|namespace|ingress|horizontalpodautoscaler)/", answer.object)
        assert label(fault.failure_class)


def test_three_hundred_cases_hold_every_family_and_most_faults() -> None:
    made = list(scenes(11, range(300), NODES))
    families = {scene.family for scene in made}
    assert families == {*FAMILIES, "healthy", "two"}
    faults = {
        note.split()[1] for scene in made for note in scene.notes if note.startswith("fault:")
    }
    assert len(faults) > 0.9 * len(load())
    assert len({scene.namespace for scene in made}) == 300
    well = [scene for scene in made if scene.family == "healthy"]
    told = {(s.answer.failure_class, s.answer.status) for s in well if s.answer}
    assert told == {("healthy", "no_action"), ("undetermined", "needs_human")}


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_and_a_number_make_the_same_case_again(seed: int) -> None:
    (first,), (again,) = (list(scenes(seed, range(40, 41), NODES)) for _ in range(2))
    assert first.notes == again.notes
    assert first.answer == again.answer
    assert [a.objects for a in first.apps] == [a.objects for a in again.apps]


def test_what_a_repository_declares_in_place_of_the_fault_is_well() -> None:
    drifted = [
        (scene, app)
        for seed in (3, 5, 8)
        for scene in scenes(seed, range(300), NODES)
        for app in scene.apps
        if app.declared is not None and any(note.startswith("drift") for note in scene.notes)
    ]
    assert len(drifted) > 20
    for scene, app in drifted:
        spec = app.declared["spec"]["template"]["spec"] if app.declared else {}
        container = spec["containers"][0]
        for kind in ("startup", "liveness", "readiness"):
            probe = container.get(f"{kind}Probe")
            assert not probe or failing(app.program, kind, probe, container, "10.244.0.9") == ""
        given = {entry["name"] for entry in container.get("env", [])}
        assert set(app.program.needs_env) <= given
        assert "pod-security.kubernetes.io/enforce" not in scene.labels
