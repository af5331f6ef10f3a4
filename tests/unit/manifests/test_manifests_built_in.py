"""The built-in subset of kustomize: what it builds, part by part, and what it says it does not know."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from manifests.render import locality, merge, plain_kustomize
from manifests.repository.rendering import NotRendered
from manifests.text.readings import Readings

API: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api"},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "initContainers": [{"name": "setup", "image": "r.example:5000/api:1"}],
                "containers": [
                    {"name": "app", "image": "r.example:5000/api:1", "args": ["-v", "2"]},
                    {"name": "proxy", "image": "proxy@sha256:12"},
                ],
            }
        },
    },
}
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "api"},
    "data": {"A": "b"},
}
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}}
CUSTOM = {
    "apiVersion": "example.org/v1",
    "kind": "Widget",
    "metadata": {"name": "api"},
    "spec": {"containers": [{"name": "a", "size": 1}, {"name": "b"}], "replicas": 2},
}
OBJECTS = [API, SETTINGS, CLAIM, CUSTOM]


def built(content: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    files = {
        "k/kustomization.yaml": yaml.safe_dump({"resources": ["all.yaml"]} | content),
        "k/all.yaml": yaml.safe_dump_all(OBJECTS),
        **{
            path: one if isinstance(one, str) else yaml.safe_dump(one)
            for path, one in (more or {}).items()
        },
    }
    found = yaml.safe_load_all(plain_kustomize.build(files, "k", Readings()))
    return {item["kind"]: item for item in found}


def patch(spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api"},
        "spec": spec,
        **more,
    }


def containers(item: dict[str, Any]) -> list[Any]:
    found: list[Any] = item["spec"]["template"]["spec"]["containers"]
    return found


def test_nothing_said_builds_what_the_files_hold() -> None:
    assert list(built({}).values()) == OBJECTS
    assert list(built({"commonLabels": {"a": "b"}, "buildMetadata": ["x"]}).values()) == OBJECTS


def test_a_namespace_is_given_to_what_has_one() -> None:
    found = built({"namespace": "shop"})
    assert {kind: one["metadata"].get("namespace") for kind, one in found.items()} == {
        "Deployment": "shop",
        "ConfigMap": "shop",
        "PersistentVolume": None,
        "Widget": "shop",
    }


def test_replicas_are_set_for_controllers_of_that_name() -> None:
    found = built({"replicas": [{"name": "other", "count": 9}, {"name": "api", "count": 5}]})
    assert found["Deployment"]["spec"]["replicas"] == 5
    assert found["Widget"]["spec"]["replicas"] == 2
    assert "spec" not in found["ConfigMap"]


@pytest.mark.parametrize(
    ("entry", "app", "proxy"),
    [
        ({"name": "r.example:5000/api", "newTag": "2"}, "r.example:5000/api:2", "proxy@sha256:12"),
        ({"name": "r.example:5000/api", "newName": "x"}, "x:1", "proxy@sha256:12"),
        ({"name": "r.example:5000/api", "newName": "x", "newTag": "3"}, "x:3", "proxy@sha256:12"),
        (
            {"name": "r.example:5000/api", "newTag": "3", "digest": "sha256:9"},
            "r.example:5000/api@sha256:9",
            "proxy@sha256:12",
        ),
        ({"name": "proxy", "newTag": "4"}, "r.example:5000/api:1", "proxy:4"),
        ({"name": "proxy"}, "r.example:5000/api:1", "proxy@sha256:12"),
        ({"name": "api", "newTag": "5"}, "r.example:5000/api:1", "proxy@sha256:12"),
        ({"name": "r.example", "newTag": "5"}, "r.example:5000/api:1", "proxy@sha256:12"),
    ],
)
def test_images_are_exchanged_by_their_name(entry: dict[str, str], app: str, proxy: str) -> None:
    found = built({"images": [entry]})["Deployment"]
    assert [one["image"] for one in containers(found)] == [app, proxy]
    assert found["spec"]["template"]["spec"]["initContainers"][0]["image"] == app


def test_a_patch_merges_containers_by_name_with_its_own_first() -> None:
    spec = {
        "template": {"spec": {"containers": [{"name": "new"}, {"name": "proxy", "args": ["x"]}]}}
    }
    found = built({"patches": [{"path": "p.yaml"}]}, {"k/p.yaml": patch(spec)})["Deployment"]
    assert containers(found) == [
        {"name": "new"},
        {"name": "proxy", "image": "proxy@sha256:12", "args": ["x"]},
        containers(API)[0],
    ]
    assert found["spec"]["replicas"] == 2


def test_a_patch_takes_away_what_it_says_null_of_and_replaces_other_lists() -> None:
    spec = {
        "replicas": None,
        "paused": None,
        "template": {"spec": {"containers": [{"name": "app", "args": ["3"]}]}},
    }
    found = built({"patchesStrategicMerge": ["p.yaml"]}, {"k/p.yaml": patch(spec)})["Deployment"]
    assert "replicas" not in found["spec"]
    assert "paused" not in found["spec"]
    assert containers(found)[0] == {"name": "app", "image": "r.example:5000/api:1", "args": ["3"]}


def test_a_custom_resource_takes_a_plain_merge() -> None:
    change = CUSTOM | {"spec": {"containers": [{"name": "b", "size": 3}]}}
    found = built({"patches": [{"patch": yaml.safe_dump(change)}]})["Widget"]
    assert found["spec"] == {"containers": [{"name": "b", "size": 3}], "replicas": 2}


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ({"kind": "Deployment"}, ["Deployment"]),
        ({"kind": "Deploy.*"}, ["Deployment"]),
        ({"kind": "Deploy"}, []),
        ({"name": "api"}, ["ConfigMap", "Deployment", "Widget"]),
        ({"name": "a.*", "kind": "ConfigMap"}, ["ConfigMap"]),
        ({"group": "apps"}, ["Deployment"]),
        ({"group": "app"}, []),
        ({"version": "v1"}, ["ConfigMap", "Deployment", "PersistentVolume", "Widget"]),
        ({"version": "v2"}, []),
        ({"namespace": "default", "name": "disk"}, ["PersistentVolume"]),
        ({"namespace": "shop"}, []),
        ({"kind": "", "name": "disk"}, ["PersistentVolume"]),
    ],
)
def test_a_target_selects_by_whole_words_and_patterns(
    target: dict[str, str], hit: list[str]
) -> None:
    operation = "- {op: add, path: /metadata/labels, value: {hit: 'yes'}}\n"
    found = built({"patches": [{"target": target, "patch": operation}]})
    assert sorted(k for k, one in found.items() if one["metadata"].get("labels")) == hit


def test_a_patch_with_a_target_keeps_the_objects_name() -> None:
    change = patch({"replicas": 7}) | {"metadata": {"name": "whatever", "labels": {"a": "b"}}}
    found = built(
        {"patches": [{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(change)}]}
    )
    assert found["Deployment"]["metadata"] == {"name": "api"}
    assert found["Deployment"]["spec"]["replicas"] == 7


def test_an_object_goes_where_a_patch_deletes_it() -> None:
    change = patch({}, **{"$patch": "delete"})
    assert set(built({"patches": [{"patch": yaml.safe_dump(change)}]})) == {
        "ConfigMap",
        "PersistentVolume",
        "Widget",
    }


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ({"op": "add", "path": "/args/-", "value": "x"}, ["-v", "2", "x"]),
        ({"op": "add", "path": "/args/0", "value": "x"}, ["x", "-v", "2"]),
        ({"op": "add", "path": "/args/2", "value": "x"}, ["-v", "2", "x"]),
        ({"op": "replace", "path": "/args/1", "value": "3"}, ["-v", "3"]),
        ({"op": "remove", "path": "/args/0"}, ["2"]),
        ({"op": "replace", "path": "/args", "value": []}, []),
        ({"op": "remove", "path": "/args"}, None),
        ({"op": "add", "path": "/args", "value": ["y"]}, ["y"]),
    ],
)
def test_a_json_patch_does_what_it_says(operation: dict[str, Any], args: list[str] | None) -> None:
    item = {"args": ["-v", "2"], "a/b": 1, "c~d": 2}
    after = merge.json_patched(item, [operation])
    assert after.get("args") == args
    assert item == {"args": ["-v", "2"], "a/b": 1, "c~d": 2}


def test_the_steps_of_a_json_patch_follow_each_other_and_names_are_unescaped() -> None:
    steps = [
        {"op": "replace", "path": "/a~1b", "value": 3},
        {"op": "add", "path": "/new", "value": {"x": [1]}},
        {"op": "add", "path": "/new/x/-", "value": 2},
        {"op": "remove", "path": "/c~0d"},
    ]
    assert merge.json_patched({"a/b": 1, "c~d": 2}, steps) == {"a/b": 3, "new": {"x": [1, 2]}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "remove", "path": "/none"},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "replace", "path": "/args/2", "value": 1},
        {"op": "remove", "path": "/args/2"},
        {"op": "add", "path": "/args/3", "value": 1},
        {"op": "add", "path": "/args/-1", "value": 1},
        {"op": "remove", "path": "/args/-1"},
        {"op": "add", "path": "/args/x", "value": 1},
        {"op": "move", "from": "/args", "path": "/x"},
        {"op": "test", "path": "/args", "value": []},
        {"path": "/args"},
    ],
)
def test_a_json_patch_that_does_not_fit_or_is_not_known_renders_nothing(
    operation: dict[str, Any],
) -> None:
    with pytest.raises(NotRendered):
        merge.json_patched({"args": ["-v", "2"]}, [operation])


@pytest.mark.parametrize(
    ("base", "change", "key", "after"),
    [
        ([{"containerPort": 1}], [{"containerPort": 1, "name": "a"}], "ports", 1),
        ([{"port": 1}, {"port": 2}], [{"port": 2, "name": "a"}], "ports", 2),
        ([{"mountPath": "/a"}], [{"mountPath": "/b"}], "volumeMounts", 2),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}], "env", 2),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}], "others", 1),
        ([{"name": "a"}, 5], [{"name": "a"}], "env", 1),
        ([{"name": "a"}], [{"value": "a"}], "env", 1),
        ("text", [{"name": "a"}], "env", 1),
    ],
)
def test_lists_merge_by_the_name_that_kubernetes_gives_their_items(
    base: Any, change: list[Any], key: str, after: int
) -> None:
    assert len(merge.merged({key: base}, {key: change}, True)[key]) == after
    assert merge.merged({key: base}, {key: change}, False)[key] == change


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ({"namePrefix": "x-"}, {}),
        ({"configMapGenerator": [{"name": "a"}]}, {}),
        ({"kind": "Component"}, {}),
        ({"patches": [{"patch": "a: [", "target": {"kind": "X"}}]}, {}),
        ({"patches": [{"path": "none.yaml"}]}, {}),
        ({"patches": ["x"]}, {}),
        ({"patches": [{"patch": "- {op: add, path: /x, value: 1}"}]}, {}),
        (
            {"patches": [{"path": "p.yaml", "options": {"allowNameChange": True}}]},
            {"k/p.yaml": API},
        ),
        ({"patches": [{"target": {"labelSelector": "a=b"}, "patch": "a: b"}]}, {}),
        ({"patches": [{"path": "p.yaml"}]}, {"k/p.yaml": API | {"kind": "StatefulSet"}}),
        ({"patches": [{"path": "p.yaml"}]}, {"k/p.yaml": API | {"apiVersion": "extensions/v1"}}),
        (
            {"patches": [{"path": "p.yaml"}]},
            {"k/p.yaml": API | {"metadata": {"name": "api", "namespace": "else"}}},
        ),
        ({"patches": [{"path": "p.yaml"}]}, {"k/p.yaml": patch({"$patch": "replace"})}),
        (
            {"patches": [{"path": "p.yaml"}]},
            {
                "k/p.yaml": patch(
                    {"template": {"spec": {"containers": [{"name": "app", "$patch": "delete"}]}}}
                )
            },
        ),
        ({"resources": ["../k"]}, {}),
        ({"resources": ["none.yaml"]}, {}),
    ],
)
def test_what_the_subset_does_not_know_renders_nothing(
    content: dict[str, Any], more: dict[str, Any]
) -> None:
    with pytest.raises(NotRendered):
        built(content, more)


def test_a_component_works_on_what_is_built_so_far() -> None:
    more = {
        "part/kustomization.yaml": {
            "kind": "Component",
            "replicas": [{"name": "api", "count": 8}],
        },
    }
    assert built({"components": ["../part"]}, more)["Deployment"]["spec"]["replicas"] == 8
    mine = {"components": ["../part"], "replicas": [{"name": "api", "count": 3}]}
    assert built(mine, more)["Deployment"]["spec"]["replicas"] == 3


FILES = {
    "a/kustomization.yaml": "resources: [../b, one.yaml]\npatches: [{path: ../p/x.yaml}]\nopenapi: {path: s/o.json}\n",
    "a/one.yaml": "a: 1\n",
    "a/s/o.json": "{}",
    "b/kustomization.yml": "resources: [../c]\n",
    "c/Kustomization": "resources: [two.yaml, ../b]\n",
    "c/two.yaml": "a: 1\n",
    "p/x.yaml": "a: 1\n",
    "d/kustomization.yaml": "{}\n",
}


def test_the_folders_of_a_build_are_those_of_its_kustomizations_and_of_the_files_that_they_name() -> (
    None
):
    assert sorted(locality.folders(FILES, "a", Readings())) == ["a", "a/s", "b", "c", "p"]
    assert locality.folders(FILES, "d", Readings()) == ["d"]


def test_two_kustomizations_in_one_folder_are_none() -> None:
    with pytest.raises(NotRendered):
        locality.kustomization(FILES | {"d/kustomization.yml": "{}\n"}, "d", Readings())
    with pytest.raises(NotRendered):
        locality.kustomization(FILES, "p", Readings())
    with pytest.raises(NotRendered):
        locality.kustomization(FILES | {"d/kustomization.yaml": "[]\n"}, "d", Readings())


@pytest.mark.parametrize(
    "content",
    [
        "resources: [https://git.example/a]\n",
        "resources: [../../..]\n",
        "resources: [/etc]\n",
        "resources: [none]\n",
        "Resources: [a.yaml]\n",
        "patches: [{Path: a.yaml}]\n",
        "helmCharts: [{name: a}]\n",
        "configMapGenerator: [{name: a, files: [a=https://x.example/y]}]\n",
        "secretGenerator: [{name: a, env: 'git@x.example:a/b'}]\n",
        "generators: ['a: http://x.example']\n",
        "transformers: [t.yaml]\n",
        "components: [{x: &a {}, <<: *a}]\n",
    ],
)
def test_a_build_that_could_load_from_elsewhere_is_not_begun(content: str) -> None:
    files = {
        "k/kustomization.yaml": content,
        "k/t.yaml": "url: github.com/a/b\n",
        "k/a.yaml": "a: 1\n",
    }
    with pytest.raises(NotRendered):
        locality.check(files, "k", Readings())


def test_a_build_of_what_is_here_is_begun() -> None:
    locality.check(FILES, "a", Readings())
    locality.check(
        {
            "kustomization.yaml": "resources: [a]\n",
            "a/kustomization.yaml": "resources: [../b.yaml]\n",
            "b.yaml": "a: 1\n",
        },
        "",
        Readings(),
    )


@pytest.mark.parametrize(("count", "begun"), [(200, True), (201, False)])
def test_two_hundred_kustomizations_are_followed(count: int, begun: bool) -> None:
    files = {
        f"k{at}/kustomization.yaml": f"resources: [../k{at + 1}]\n" if at + 1 < count else "{}\n"
        for at in range(count)
    }
    if begun:
        locality.check(files, "k0", Readings())
    else:
        with pytest.raises(NotRendered):
            locality.check(files, "k0", Readings())
