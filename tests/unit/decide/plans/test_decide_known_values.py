"""References, keys and objects that were there, or that are elsewhere: what is known of them is proposed, and no more."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from decide.core import diagnose
from decide.core.opinion import Verdict
from schemas.context import Change, DeclaredObject
from tests.support.decide.clusters import Cluster
from tests.support.decide.commits import commit

IMAGE = "spec.template.spec.containers[name=main].image"


def asked(cluster: Cluster, app: str, *commits: Change, **more: Any) -> Verdict:
    return diagnose(cluster.bundle(app).model_copy(update={"changes": commits, **more}))


def values(verdict: Verdict) -> list[object]:
    return [f.after for p in verdict.plans for c in p.kubernetes_changes for f in c.fields]


def absent(image: str = "registry.example/team/shop:2.0.1") -> tuple[Cluster, str, str]:
    cluster = Cluster(seed=61)
    app = cluster.app(image=image)
    cluster.waiting(app, "ImagePullBackOff", f'Back-off pulling image "{image}": not found')
    name = cluster.pod(app)["metadata"]["name"]
    said = f'Failed to pull image "{image}": manifest unknown: not found'
    cluster.event("Pod", name, "Failed", said)
    return cluster, app, f"Deployment/{cluster.namespace}/{app}"


def test_the_image_of_before_the_commit_comes_back_without_any_revision() -> None:
    cluster, app, key = absent()
    old, now = "registry.example/team/shop:2.0.0", "registry.example/team/shop:2.0.1"
    verdict = asked(cluster, app, commit(key, {IMAGE: [old, now]}))
    assert values(verdict)[0] == old
    assert verdict.plans[0].fix_kind == "set_image"


@pytest.mark.parametrize("path", ["web.image.tag", "images[name=shop].newTag"])
def test_the_tag_of_before_in_a_file_of_values_is_the_images(path: str) -> None:
    cluster, app, _ = absent()
    verdict = asked(cluster, app, commit("", {path: ["1.9.4", "2.0.1"]}, path="values.yaml"))
    assert values(verdict)[0] == "registry.example/team/shop:1.9.4"


@pytest.mark.parametrize("before", ["", "x y", "-rf", "a\nb"])
def test_what_is_no_reference_is_no_image(before: str) -> None:
    cluster, app, key = absent()
    now = "registry.example/team/shop:2.0.1"
    verdict = asked(cluster, app, commit(key, {IMAGE: [before, now]}))
    assert before not in values(verdict)


def test_a_tag_that_another_workload_runs_is_a_second_way() -> None:
    cluster, app, key = absent()
    cluster.app(image="registry.example/team/shop:1.8.0")
    old, now = "registry.example/team/shop:2.0.0", "registry.example/team/shop:2.0.1"
    verdict = asked(cluster, app, commit(key, {IMAGE: [old, now]}))
    assert values(verdict)[:2] == [old, "registry.example/team/shop:1.8.0"]


def test_of_two_other_tags_none_is_chosen_and_a_sick_workloads_tag_is_none() -> None:
    cluster, app, _ = absent()
    cluster.app(image="registry.example/team/shop:1.8.0")
    cluster.app(image="registry.example/team/shop:1.7.0")
    assert values(asked(cluster, app)) == []
    cluster, app, _ = absent()
    other = cluster.app(image="registry.example/team/shop:1.8.0")
    cluster.crashed(other, 1)
    assert "registry.example/team/shop:1.8.0" not in values(asked(cluster, app))


def test_the_tag_of_another_environments_file_is_proposed_after_all_others() -> None:
    cluster, app, _ = absent()
    twin = copy.deepcopy(cluster.get("deployments", app))
    twin["metadata"]["namespace"] = "elsewhere"
    twin["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/team/shop:1.5"
    declared = (DeclaredObject(path="envs/other/app.yaml", object=twin),)
    verdict = asked(cluster, app, declared=declared)
    assert values(verdict) == ["registry.example/team/shop:1.5"]
    assert "envs/other/app.yaml" in verdict.plans[0].justification


def keyless(*, there: dict[str, str] | None = None) -> tuple[Cluster, str]:
    """A container that asks the key ``LIMIT`` of a ConfigMap that has others."""
    cluster = Cluster(seed=62)
    source = {"configMapKeyRef": {"name": "settings", "key": "LIMIT"}}
    app = cluster.app(env=[{"name": "LIMIT", "valueFrom": source}])
    if there is not None:
        cluster.add("configmaps", "settings", kind="ConfigMap", data=there)
        said = f"couldn't find key LIMIT in ConfigMap {cluster.namespace}/settings"
    else:
        said = 'configmap "settings" not found'
    cluster.waiting(app, "CreateContainerConfigError", said)
    return cluster, app


def test_a_key_that_a_commit_took_away_comes_back_with_its_value() -> None:
    cluster, app = keyless(there={"OTHER": "1"})
    verdict = asked(cluster, app, commit("ConfigMap//settings", {"data.LIMIT": ["40", None]}))
    (change,) = verdict.plans[0].kubernetes_changes
    assert change.object.key == f"ConfigMap/{cluster.namespace}/settings"
    assert [(f.op, f.path, f.after) for f in change.fields] == [("add", "data.LIMIT", "40")]


def test_a_key_that_a_commit_renamed_has_two_ways_back() -> None:
    cluster, app = keyless(there={"LIMITS": "40"})
    fields = {"data.LIMIT": ["40", None], "data.LIMITS": [None, "40"]}
    verdict = asked(cluster, app, commit("ConfigMap//settings", fields))
    assert values(verdict) == ["40", "LIMITS"]


@pytest.mark.parametrize("before", ["[masked:password]", None, 7, "x" * 3000])
def test_a_value_that_is_masked_not_text_or_very_long_is_not_put_back(before: object) -> None:
    cluster, app = keyless(there={"OTHER": "1"})
    verdict = asked(cluster, app, commit("ConfigMap//settings", {"data.LIMIT": [before, None]}))
    assert values(verdict) == []
    assert verdict.status == "needs_human"


def test_a_configmap_that_a_commit_took_away_is_declared_again() -> None:
    cluster, app = keyless()
    fields: dict[str, list[Any]] = {"kind": ["ConfigMap", None], "data": [{"LIMIT": "40"}, None]}
    verdict = asked(cluster, app, commit("ConfigMap//settings", fields))
    (change,) = verdict.plans[0].kubernetes_changes
    assert (change.action, change.object.name) == ("create", "settings")
    assert change.manifest is not None
    assert change.manifest["data"] == {"LIMIT": "40"}


def test_a_configmap_that_the_repository_declares_still_is_not_declared_twice() -> None:
    cluster, app = keyless()
    fields: dict[str, list[Any]] = {"kind": ["ConfigMap", None], "data": [{"LIMIT": "40"}, None]}
    here = {"name": "settings", "namespace": cluster.namespace}
    declared = (
        DeclaredObject(
            path="b.yaml", object={"kind": "ConfigMap", "metadata": here, "data": {"LIMIT": "4"}}
        ),
    )
    verdict = asked(cluster, app, commit("ConfigMap//settings", fields), declared=declared)
    assert all(c.action != "create" for p in verdict.plans for c in p.kubernetes_changes)


def test_the_one_object_that_has_all_the_keys_and_nearly_the_name_is_meant() -> None:
    cluster, app = keyless()
    cluster.add("configmaps", "setting-v2", kind="ConfigMap", data={"LIMIT": "40"})
    cluster.add("configmaps", "settling", kind="ConfigMap", data={"OTHER": "1"})
    assert values(asked(cluster, app)) == ["setting-v2"]


def test_of_two_objects_with_the_keys_none_is_meant() -> None:
    cluster, app = keyless()
    for name in ("setting-v2", "setting-v3"):
        cluster.add("configmaps", name, kind="ConfigMap", data={"LIMIT": "40"})
    assert values(asked(cluster, app)) == []
