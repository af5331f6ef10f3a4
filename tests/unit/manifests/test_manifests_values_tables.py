"""Values of charts, case by case: which could be behind a field, which layer is edited, what is known of a chart kept elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.helm import value_paths
from manifests.helm.layers import Layer, Release, layer_for, merged
from manifests.objects import paths
from manifests.proposal import overlay, settings
from manifests.proposal.propose import declares
from manifests.refused import EditRefused, NotEditable
from manifests.repository import provenance
from manifests.text import read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support import render as sample
from tests.support.manifests.odd_installers import chart
from tests.support.stand_in_helm import StandIn

REF = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api-worker")
APP = "spec.template.spec.containers[name=app]."
ITEM: dict[str, Any] = {
    "kind": "Deployment",
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "image": "r.example/api:1.2",
                        "env": [{"name": "A", "value": "b"}],
                        "resources": {"limits": {"memory": "128Mi"}},
                    }
                ]
            }
        },
    },
}


def could(values: dict[str, Any], field: FieldChange) -> list[tuple[str, Any]]:
    found = value_paths.candidates(values, ITEM, field, REF)
    return [(paths.render(path), value) for path, value in found]


def change(path: str, after: Any, op: Any = "replace") -> FieldChange:
    return FieldChange(op=op, path=path, before=None, after=after)


@pytest.mark.parametrize(
    ("values", "field", "found"),
    [
        ({"replicas": 2, "other": 3}, change("spec.replicas", 5), [("replicas", 5)]),
        (
            {"other": 2, "replicas": 2, "worker": {"replicas": 2}},
            change("spec.replicas", 5),
            [("worker.replicas", 5), ("replicas", 5), ("other", 5)],
        ),
        ({"count": "2"}, change("spec.replicas", 5), [("count", "5")]),
        (
            {"image": {"tag": "1.2"}},
            change(APP + "image", "r.example/api:1.3"),
            [("image.tag", "1.3")],
        ),
        ({"tag": 1.2}, change(APP + "image", "r.example/api:1.3"), [("tag", "1.3")]),
        ({"tag": "1.2"}, change(APP + "image", "r.other/api:1.3"), []),
        ({"name": "api"}, change(APP + "image", "r.example/web:1.2"), [("name", "web")]),
        ({"name": "a"}, change(APP + "image", "r.example/web:1.2"), []),
        ({"tag": ""}, change(APP + "image", "r.example/api:1.3"), [("tag", "1.3")]),
        ({"tag": None}, change(APP + "image", "r.example/api:1.3"), [("tag", "1.3")]),
        ({"tag": None}, change(APP + "image", "r.other/api:1.3"), []),
        ({"tag": True}, change(APP + "image", "r.example/api:1.3"), []),
        ({"all": "r.example/api:1.2"}, change(APP + "image", "x:1"), [("all", "x:1")]),
        ({"e": "api:"}, change(APP + "image", "r.example/1.2"), []),
        (
            {"resources": {"limits": {"memory": "0.125Gi"}}},
            change(APP + "resources.limits.memory", "256Mi"),
            [("resources.limits.memory", "256Mi")],
        ),
        (
            {"resources": {"limits": {"memory": "128Mi"}}},
            change(APP + "resources.limits.cpu", "1", "add"),
            [("resources.limits.cpu", "1")],
        ),
        (
            {"resources": {}},
            change(APP + "resources.requests.cpu", "1", "add"),
            [("resources.requests.cpu", "1")],
        ),
        (
            {"resources": {"limits": {"cpu": "2"}}},
            change(APP + "resources.limits.cpu", "1", "add"),
            [],
        ),
        (
            {"resources": None, "others": {}},
            change(APP + "resources.limits.cpu", "1", "add"),
            [("resources.limits.cpu", "1")],
        ),
        (
            {"priorityClassName": None},
            change("spec.template.spec.priorityClassName", "high", "add"),
            [("priorityClassName", "high")],
        ),
        (
            {"extra": [{"name": "A", "value": "b"}], "none": [], "far": [{"name": "C"}]},
            change(APP + "env[name=B]", {"value": "c"}, "add"),
            [
                ("extra", [{"name": "A", "value": "b"}, {"name": "B", "value": "c"}]),
                ("none", [{"name": "B", "value": "c"}]),
            ],
        ),
        (
            {"list": [{"a": 2}, {"a": 3}]},
            change("spec.replicas", 5),
            [("list[0].a", 5)],
        ),
        (
            {"env": [{"name": "A", "value": "b"}]},
            change(APP + "env[name=A].value", "c"),
            [("env[0].value", "c")],
        ),
    ],
)
def test_a_value_could_be_behind_a_field_where_the_field_is_made_of_it(
    values: dict[str, Any], field: FieldChange, found: list[tuple[str, Any]]
) -> None:
    assert could(values, field) == found


@pytest.mark.parametrize(
    ("path", "value", "made"),
    [
        ("a", 1, {"a": 1}),
        ("a.b", 1, {"a": {"b": 1}}),
        ("l[1].v", 9, {"l": [{"v": 1}, {"v": 9}]}),
        ("d.l[0]", {"w": 1}, {"d": {"l": [{"w": 1}]}}),
    ],
)
def test_a_value_is_laid_over_the_others_alone_and_a_list_as_a_whole(
    path: str, value: Any, made: Any
) -> None:
    now = {"a": {"b": 0, "c": 1}, "l": [{"v": 1}, {"v": 2}], "d": {"l": [{"v": 3}]}}
    assert value_paths.laid(now, paths.parse(path), value) == made


def layer(said: str, values: dict[str, Any], **more: Any) -> Layer:
    return Layer(said, values, path=more.pop("path", said), **more)


def release(*layers: Layer, name: str = "r") -> Release:
    return Release("c", name, "", layers, name)


DEFAULT = layer("values.yaml", {"a": {"b": 1}, "x": 1}, default=True)
PROD = layer("prod.yaml", {"a": {"c": 1}})
MORE = layer("more.yaml", {"y": 1})
OWNER = ObjectRef(kind="HelmRelease", name="r")


@pytest.mark.parametrize(
    ("layers", "siblings", "path", "chosen"),
    [
        ((DEFAULT,), (), "a.b", "values.yaml"),
        ((DEFAULT, PROD), (), "a.b", "values.yaml"),
        ((DEFAULT, PROD), (), "a.c", "prod.yaml"),
        ((DEFAULT, PROD, MORE), (), "a.d", "prod.yaml"),
        ((DEFAULT, PROD, MORE), (), "z", "more.yaml"),
        ((DEFAULT, PROD), ((DEFAULT,),), "a.b", "prod.yaml"),
        ((DEFAULT, MORE), ((DEFAULT,),), "a.b", "more.yaml"),
        ((DEFAULT, PROD, layer("last.yaml", {"a": {"c": 2}})), (), "a.c", "last.yaml"),
        (
            (DEFAULT, layer("inline", {"a": {"b": 2}}, path="", owner=OWNER)),
            ((DEFAULT,),),
            "a.b",
            "inline",
        ),
        (
            (DEFAULT, PROD, layer("p", {"q": 1}, path="", owner=OWNER, leaf=("q",))),
            ((DEFAULT, MORE),),
            "x",
            "prod.yaml",
        ),
        (
            (DEFAULT, layer("f", {"x": 2}, path="", holder="fleet.yaml", at=("helm",))),
            ((DEFAULT,),),
            "x",
            "f",
        ),
    ],
)
def test_the_layer_to_edit_is_the_last_own_one_that_sets_the_value_or_wins_over_it(
    layers: tuple[Layer, ...], siblings: tuple[tuple[Layer, ...], ...], path: str, chosen: str
) -> None:
    mine = release(*layers)
    others = [mine, *(release(*theirs, name=f"o{n}") for n, theirs in enumerate(siblings))]
    assert layer_for(mine, others, paths.parse(path)).said == chosen


HELD = layer("f", {"x": 2}, path="", holder="fleet.yaml", at=("helm",))


@pytest.mark.parametrize(
    ("layers", "siblings", "path", "code"),
    [
        ((DEFAULT,), ((DEFAULT,),), "a.b", "VALUE_FANOUT"),
        ((DEFAULT, PROD), ((PROD, DEFAULT),), "a.b", "VALUE_FANOUT"),
        ((PROD, DEFAULT), ((DEFAULT,),), "a.b", "VALUE_FANOUT"),
        ((DEFAULT, HELD), ((DEFAULT, HELD),), "x", "VALUE_FANOUT"),
        (
            (DEFAULT, layer("s", {"a": {"b": 3}}, sealed=EditRefused("TEMPLATED", "made"))),
            (),
            "a.b",
            "TEMPLATED",
        ),
        ((layer("nowhere", {"a": {"b": 1}}, path=""),), (), "a.b", "NOT_FOUND"),
    ],
)
def test_a_value_that_others_use_or_nobody_may_write_is_not_edited(
    layers: tuple[Layer, ...], siblings: tuple[tuple[Layer, ...], ...], path: str, code: str
) -> None:
    mine = release(*layers)
    others = [mine, *(release(*theirs, name=f"o{n}") for n, theirs in enumerate(siblings))]
    with pytest.raises(NotEditable) as caught:
        layer_for(mine, others, paths.parse(path))
    assert caught.value.refused.code == code


def test_later_values_win_a_null_takes_away_and_lists_are_replaced() -> None:
    low = layer("l", {"a": {"b": 1, "c": 2}, "l": [1], "n": 1, "m": {"x": 1}})
    high = layer("h", {"a": {"b": 3, "c": None}, "l": [2, 3], "n": None, "o": None, "m": 5})
    assert merged([low, high]) == {"a": {"b": 3}, "l": [2, 3], "o": None, "m": 5}


def elsewhere(values: str, before: Any, after: Any, path: str, env: str = "production") -> Any:
    text = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\n"
        "spec:\n  chart: {spec: {chart: api, sourceRef: {kind: HelmRepository, name: shop}}}\n"
        f"  values: {values}\n"
    )
    live = {"helm.toolkit.fluxcd.io/name": "api", "helm.toolkit.fluxcd.io/namespace": "shop"}
    field = FieldChange(path=path, before=before, after=after)
    return sample.proposed({"prod/api.yaml": text}, StandIn(), field, env=env, live=live)


MEMORY = APP + "resources.limits.memory"


@pytest.mark.parametrize(
    ("values", "path", "before", "after", "line"),
    [
        ("{replicaCount: 2}", "spec.replicas", 2, 3, "{replicaCount: 3}"),
        ("{replicas: 2}", "spec.replicas", 2, 3, "{replicas: 3}"),
        ("{replicas: '2'}", "spec.replicas", 2, 3, "{replicas: '3'}"),
        ("{replicas: 2, other: 2}", "spec.replicas", 2, 3, "{replicas: 3, other: 2}"),
        ("{image: {tag: v1}}", APP + "image", "r/api:v1", "r/api:v2", "{image: {tag: v2}}"),
        (
            "{resources: {limits: {memory: 1Gi}}}",
            MEMORY,
            "1Gi",
            "2Gi",
            "{resources: {limits: {memory: 2Gi}}}",
        ),
        (
            "{prod: {resources: {limits: {memory: 1Gi}}}, dev: {resources: {limits: {memory: 1Gi}}}}",
            MEMORY,
            "1Gi",
            "2Gi",
            "{prod: {resources: {limits: {memory: 2Gi}}}, dev: {resources: {limits: {memory: 1Gi}}}}",
        ),
    ],
)
def test_of_a_chart_kept_elsewhere_the_one_value_of_the_fields_name_is_changed_and_unproven(
    values: str, path: str, before: Any, after: Any, line: str
) -> None:
    found = sample.accepted(elsewhere(values, before, after, path))
    (edit,) = found.edits
    assert f"  values: {line}\n" in edit.after
    assert found.proof.verdict == "unknown"


@pytest.mark.parametrize(
    ("values", "path", "before", "after"),
    [
        ("{replicaCount: 4}", "spec.replicas", 2, 3),
        ("{replicas: 2, replicaCount: 2}", "spec.replicas", 2, 3),
        ("{worker: {replicas: 2}}", "spec.replicas", 2, 3),
        ("{count: 2}", "spec.replicas", 2, 3),
        ("{tag: v1}", APP + "image", "r/api:v1", "r/api:v2"),
        ("{image: {tag: v1}}", APP + "image", "r/api:v10", "r/api:v2"),
        ("{image: {tag: '1'}}", APP + "image", "r/api:v1", "r/api:v2"),
        ("{image: {tag: v1}}", APP + "image", "r/api:v1", "other/api:v2"),
        ("{memory: 1Gi}", MEMORY, "1Gi", "2Gi"),
        ("{requests: {memory: 1Gi}}", MEMORY, "1Gi", "2Gi"),
        ("{other: {limits: {memory: 1Gi}}}", MEMORY, "1Gi", "2Gi"),
        ("{web: {image: {tag: v1}}}", APP + "image", "r/api:v1", "r/api:v2"),
        ("{limits: {memory: 1Gi}}", MEMORY, "1024Mi", "2Gi"),
        ("{a: {resources: {limits: {memory: 1Gi}}}}", MEMORY, "1Gi", "2Gi"),
        ("{a: {b: {resources: {limits: {memory: 1Gi}}}}}", MEMORY, "1Gi", "2Gi"),
        (
            "{a: {resources: {limits: {memory: 1Gi}}}, b: {resources: {limits: {memory: 1Gi}}}}",
            MEMORY,
            "1Gi",
            "2Gi",
        ),
        ("{dev: {resources: {limits: {memory: 1Gi}}}}", MEMORY, "1Gi", "2Gi"),
    ],
)
def test_of_a_chart_kept_elsewhere_nothing_else_is_guessed(
    values: str, path: str, before: Any, after: Any
) -> None:
    found = elsewhere(values, before, after, path)
    assert isinstance(found, EditRefused), found
    assert found.code in ("NOT_RENDERED", "UNSUPPORTED")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([FieldChange(path="spec.replicas", before=7, after=9)], "STALE"),
        ([FieldChange(path="spec.none", before=7, after=9)], "NOT_FOUND"),
        ([FieldChange(op="add", path="spec.replicas", after=9)], "STALE"),
        (
            [
                FieldChange(
                    path=APP + "resources.limits",
                    before={"memory": "128Mi", "cpu": "1"},
                    after={"memory": "1Gi"},
                )
            ],
            "UNSUPPORTED",
        ),
        (
            [FieldChange(path=APP + "image", before="registry.example/api:1", after="x:2")],
            "TEMPLATED",
        ),
    ],
)
def test_a_chart_that_does_not_render_what_the_plan_saw_is_left_alone(
    fields: list[FieldChange], code: str
) -> None:
    found = sample.proposed(
        chart("charts/api", values_prod="replicaCount: 2\n"), StandIn(), *fields
    )
    assert isinstance(found, EditRefused), found
    assert found.code == code


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("a:1", ("a", "1")),
        ("a", ("a", "")),
        ("r.example:5000/a", ("r.example:5000/a", "")),
        ("r.example:5000/a:1", ("r.example:5000/a", "1")),
        ("a@sha256:12", ("a", "@sha256:12")),
        ("a:1@sha256:12", ("a:1", "@sha256:12")),
    ],
)
def test_an_image_is_taken_apart_into_repository_and_tag(
    image: str, parts: tuple[str, str]
) -> None:
    assert settings.split_image(image) == parts


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kind: Deployment\nmetadata: {name: api-worker, namespace: shop}\n", True),
        ("kind: deployment\nmetadata: {name: api-worker}\n", True),
        ("kind: Deployment\nmetadata: {name: api-worker, namespace: other}\n", False),
        ("kind: Deployment\nmetadata: {name: api}\n", False),
        ("kind: Job\nmetadata: {name: api-worker}\n", False),
        ("metadata: {name: api-worker}\n", False),
        ("kind: Deployment\n", False),
    ],
)
def test_a_document_declares_the_object_that_it_names(text: str, named: bool) -> None:
    assert declares(read.read(text)[0], REF) is named
    everywhere = REF.model_copy(update={"namespace": ""})
    assert declares(read.read(text)[0], everywhere) is (named or "other" in text)


def test_marks_of_live_objects_are_their_labels_and_annotations() -> None:
    item = {
        "kind": "Deployment",
        "metadata": {
            "name": "api-worker",
            "namespace": "shop",
            "labels": {"a": "b", "n": 1},
            "annotations": {"c": "d"},
        },
    }
    other = {**item, "metadata": {**item["metadata"], "namespace": "else", "labels": {"x": "y"}}}  # type: ignore[dict-item]
    pod = {**item, "kind": "Pod"}
    found = provenance.marks(
        {"pods": [pod], "deployments": [other, item]},
        [REF, REF.model_copy(update={"name": "none"})],
    )
    assert found == {REF.key: {"a": "b", "n": "1", "c": "d"}}


BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    spec:
      containers:
      - {name: first, image: 'a:1'}
      - {name: app, image: 'b:1', args: [x]}
      - {name: last, image: 'c:1'}
"""


def patched(*fields: FieldChange, base: str = BASE) -> str:
    whole = KubernetesChange(
        object=ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api"),
        fields=fields,
    )
    return overlay.patch_of(whole, read.read(base)[0])


def test_a_new_patch_names_the_containers_before_the_one_that_it_changes() -> None:
    assert patched(FieldChange(path=APP + "image", before="b:1", after="b:2")) == (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\nspec:\n"
        "  template:\n    spec:\n      containers:\n      - name: first\n      - name: app\n        image: b:2\n"
    )


@pytest.mark.parametrize(
    "field",
    [
        FieldChange(op="remove", path=APP + "image", before="b:1"),
        FieldChange(path=APP + "args", before=["x"], after=["y"]),
        FieldChange(path=APP + "args[0]", before="x", after="y"),
        FieldChange(
            path="spec.template.spec.containers[image=b:1].image", before="b:1", after="b:2"
        ),
        FieldChange(path=APP + "name", before="app", after="web"),
    ],
)
def test_a_new_patch_says_nothing_that_kubernetes_could_merge_otherwise(field: FieldChange) -> None:
    with pytest.raises(NotEditable) as caught:
        patched(field)
    assert caught.value.refused.code == "UNSUPPORTED"


def test_a_new_patch_is_for_kinds_whose_lists_kubernetes_knows() -> None:
    with pytest.raises(NotEditable):
        patched(
            FieldChange(path=APP + "image", before="b:1", after="b:2"),
            base=BASE.replace("apps/v1", "example.org/v1"),
        )


@pytest.mark.parametrize(
    ("content", "path", "after"),
    [
        ("resources: [a]\n", "patches[0]", {"path": "p.yaml"}),
        ("patches: [{path: a}]\n", "patches[1]", {"path": "p.yaml"}),
        ("patchesStrategicMerge: [a, b]\npatches: []\n", "patchesStrategicMerge[2]", "p.yaml"),
        ("patches: text\n", "patches[0]", {"path": "p.yaml"}),
    ],
)
def test_a_new_patch_is_listed_where_the_kustomization_lists_its_patches(
    content: str, path: str, after: Any
) -> None:
    entry = overlay.entry_of(read.read(content)[0], "p.yaml")
    assert (entry.op, entry.path, entry.after) == ("add", path, after)
