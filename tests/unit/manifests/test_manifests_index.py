"""What is known of a repository's files is asked once for each content, and found again where it is looked for."""

from __future__ import annotations

import pytest

from manifests.refused import NotEditable
from manifests.repository.index import Blobs, build
from manifests.repository.installers import read_map
from manifests.repository.kustomize import read_graph
from manifests.repository.locate import Hints, locate
from schemas.base import ObjectRef

DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 2, template: {spec: "
    "{containers: [{name: app, image: 'a:1'}]}}}\n"
)
OVERLAID = {
    "base/api.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "overlays/prod/kustomization.yaml": "resources: [../../base]\n",
}
FLUX = (
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n"
    "spec: {path: ./overlays/prod, targetNamespace: NAMESPACE}\n"
)
REF = ObjectRef(kind="Deployment", namespace="shop", name="api")


def test_a_text_is_asked_once_whatever_files_and_commits_have_it() -> None:
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    blobs = Blobs()
    first = build({"a/api.yaml": "a: 1\n", "b/api.yaml": "a: 1\n"}, blobs)
    assert [first.fact(path, length) for path in first.texts] == [5, 5]
    later = build({"c/api.yaml": "a: 1\n", "b/api.yaml": "a: 100\n"}, blobs)
    assert [later.fact(path, length) for path in later.texts] == [5, 7]
    assert asked == ["a: 1\n", "a: 100\n"]


def test_folders_are_known_with_all_above_them() -> None:
    index = build({"a/b/c/x.yaml": "", "a/y.yaml": "", "z.yaml": ""})
    assert index.folders() == {"a", "a/b", "a/b/c"}


def test_a_search_reads_no_installers_where_none_can_force_a_namespace() -> None:
    index = build(OVERLAID)
    assert locate(REF, index, Hints("production")).built_in == "overlays/prod"
    assert "map" not in index.memo


@pytest.mark.parametrize("files", [{"flux/apps.yaml": FLUX}, {"overlays/prod/fleet.yaml": "NAME"}])
def test_an_installer_that_forces_another_namespace_takes_the_overlay_away(
    files: dict[str, str],
) -> None:
    def index(namespace: str) -> dict[str, str]:
        said = {p: t.replace("NAMESPACE", namespace) for p, t in files.items()}
        return OVERLAID | {p: t.replace("NAME", f"namespace: {namespace}") for p, t in said.items()}

    assert locate(REF, build(index("shop")), Hints("production")).path == "base/api.yaml"
    with pytest.raises(NotEditable) as refused:
        locate(REF, build(index("bank")), Hints("production"))
    assert refused.value.code == "NOT_FOUND"


@pytest.mark.parametrize(
    "text",
    [
        "apps:\n- path: apps/api\n",
        "apps:\n- path:\n\n    apps/api\n",
        'apps:\n- path:\n    "apps/api"',
        '{"apps": [{"name": "api", "path": "apps/api"}, {"dir": "x/y"}]}',
        '{"apps": [{"path"\n:\n"./apps/api"\n}]}',
        "home: https://example.com/x\r\nsrc: /apps/api/\r\n",
        "values:\n  path:\n  - other\nfolder: apps/api",
    ],
)
def test_a_list_of_paths_is_read_however_its_lines_are_broken(text: str) -> None:
    index = build({"apps/api/api.yaml": DEPLOYMENT, "lists/apps.yaml": text})
    said = [one.said_by for one in read_map(index).reaching("apps/api/api.yaml")]
    assert said == ["lists/apps.yaml"]


@pytest.mark.parametrize(
    "text",
    ["- apps/api\n", "pathology: apps/api\n", "path: x\nother: apps/api\n", "path:\n- apps/api\n"],
)
def test_a_path_without_a_key_that_means_one_is_no_list(text: str) -> None:
    index = build({"apps/api/api.yaml": DEPLOYMENT, "lists/apps.yaml": text})
    assert read_map(index).reaching("apps/api/api.yaml") == []


def test_users_of_a_file_come_in_the_order_of_the_repository() -> None:
    inflating = "helmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: api}]\n"
    graph = read_graph(
        build(
            {
                "a/kustomization.yaml": "resources: [../charts/api/d.yaml]\n",
                "b/kustomization.yaml": inflating,
                "c/kustomization.yaml": "resources: [../charts/api/d.yaml, ../charts/api/d.yaml]\n",
                "d/kustomization.yaml": "resources: [e.yaml]\n",
            }
        )
    )
    assert [k.folder for k in graph.users_of("charts/api/d.yaml")] == ["a", "b", "c"]
    assert [k.folder for k in graph.users_of("charts/api/e.yaml")] == ["b"]
    assert graph.users_of("charts/web/d.yaml") == []
