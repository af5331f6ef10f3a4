"""What a Flux Kustomization applies: a folder without a Kustomization of its own, and where its path may lead."""

from __future__ import annotations

import pytest

from manifests.repository.index import build
from manifests.repository.installers import Installer, read_map

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {path: PATH, sourceRef: {kind: SOURCE, name: deploy}, patches: [{patch: x, target: {kind: Deployment}}]}
"""
GIT = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: deploy, namespace: flux-system}
spec: {url: 'https://git.example/URL'MORE}
"""
FILES = {
    "apps/prod/cm.yaml": "kind: ConfigMap\nmetadata: {name: a}\n",
    "apps/prod/notes.json": "{}",
    "apps/prod/deep/cm.yaml": "kind: ConfigMap\nmetadata: {name: b}\n",
    "apps/prod/web/kustomization.yaml": "resources: [../../../base/web]\n",
    "apps/prod/web/unused.yaml": "kind: ConfigMap\nmetadata: {name: c}\n",
    "apps/prod/web/sub/kustomization.yaml": "resources: [x.yaml]\n",
    "apps/prod/web/sub/x.yaml": "kind: ConfigMap\nmetadata: {name: d}\n",
    "base/web/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web/web.yaml": "kind: Service\nmetadata: {name: web}\n",
}


def installers(files: dict[str, str], path: str) -> list[Installer]:
    found = read_map(build(files)).reaching(path)
    return [one for one in found if one.by == "flux"]


def flux(path: str, source: str = "GitRepository") -> str:
    return FLUX.replace("PATH", path).replace("SOURCE", source)


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("apps/prod/cm.yaml", ["apps/prod"]),
        ("apps/prod/deep/cm.yaml", ["apps/prod"]),
        ("apps/prod/notes.json", []),
        ("apps/prod/web/kustomization.yaml", ["apps/prod/web"]),
        ("apps/prod/web/unused.yaml", []),
        ("apps/prod/web/sub/x.yaml", []),
        ("base/web/web.yaml", ["apps/prod/web"]),
    ],
)
def test_folders_below_with_a_kustomization_are_built_and_all_else_is_applied(
    path: str, folders: list[str]
) -> None:
    found = installers(FILES | {"clusters/apps.yaml": flux("./apps/prod")}, path)
    assert [one.folder for one in found] == folders
    assert all(one.on_top.get("patches") for one in found)


@pytest.mark.parametrize(
    ("source", "declared", "reached"),
    [
        ("GitRepository", GIT, False),
        ("GitRepository", GIT.replace("MORE", ", include: [{repository: {name: a}}]"), True),
        ("GitRepository", "", True),
        ("OCIRepository", GIT, True),
    ],
)
def test_a_path_counts_from_the_root_of_a_repository_and_from_anywhere_in_an_artifact(
    source: str, declared: str, reached: bool
) -> None:
    files = FILES | {"flux.yaml": flux("./prod", source)}
    if declared:
        files["git.yaml"] = declared.replace("URL", "shop/deploy").replace("MORE", "")
    assert bool(installers(files, "apps/prod/cm.yaml")) == reached


@pytest.mark.parametrize(
    ("urls", "apart"),
    [
        (["mirror/shop/deploy"], False),
        (["mirror/shop/deploy", "shop/deploy"], True),
        (["shop/deploy"], False),
        (["theshop/deploy"], True),
    ],
)
def test_a_longer_address_is_another_repository_where_this_one_is_named_too(
    urls: list[str], apart: bool
) -> None:
    files = FILES | {"flux.yaml": flux("./apps/prod")}
    for number, url in enumerate(urls):
        name = "deploy" if not number else f"other{number}"
        made = GIT.replace("URL", url).replace("MORE", "").replace("name: deploy", f"name: {name}")
        files[f"git{number}.yaml"] = made
    index = build(files, project="shop/deploy")
    (one,) = [i for i in read_map(index).reaching("apps/prod/cm.yaml") if i.by == "flux"]
    assert (one.apart is not None) == apart
