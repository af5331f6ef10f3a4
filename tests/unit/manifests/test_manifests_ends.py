"""Where a file ends up: in the outermost Kustomizations, and in an environment that another one is built on."""

from __future__ import annotations

import pytest

from manifests.repository import kustomize
from manifests.repository.environments import is_same_place
from manifests.repository.index import build


def ends(**resources: str) -> list[str]:
    files = {"base/kustomization.yaml": "resources: [api.yaml]\n", "base/api.yaml": "kind: A\n"}
    for folder, below in resources.items():
        path = folder.replace("__", "/")
        files[f"{path}/kustomization.yaml"] = f"resources: [{below}]\n"
    return [k.folder for k in kustomize.read_graph(build(files)).ends_of("base/api.yaml")]


def test_an_environment_that_another_is_built_on_is_an_end_too() -> None:
    assert ends(o__dev="../../base", o__staging="../dev", o__prod="../staging") == [
        "o/dev",
        "o/prod",
        "o/staging",
    ]


def test_a_folder_of_the_same_environment_is_no_end_of_its_own() -> None:
    assert ends(apps__prod="../../base", clusters__production="../../apps/prod") == [
        "clusters/production"
    ]
    assert ends(apps__prod="../../base", clusters__eu="../../apps/prod") == [
        "apps/prod",
        "clusters/eu",
    ]


def test_a_folder_ends_in_itself_only_where_it_is_such_an_environment() -> None:
    files = {
        "parts/big/kustomization.yaml": "kind: Component\n",
        "o/dev/kustomization.yaml": "components: [../../parts/big]\n",
        "o/prod/kustomization.yaml": "resources: [../dev]\n",
    }
    graph = kustomize.read_graph(build(files))
    assert [k.folder for k in graph.ends_of("o/dev")] == ["o/dev", "o/prod"]
    files.pop("o/prod/kustomization.yaml")
    graph = kustomize.read_graph(build(files))
    assert [k.folder for k in graph.ends_of("parts/big")] == ["o/dev"]


def test_a_folder_that_is_called_like_no_environment_is_none() -> None:
    assert ends(region="../base", prod="../region", dev="../region") == ["dev", "prod"]


@pytest.mark.parametrize(
    ("name", "path", "same"),
    [
        ("prod-base", "eu/prod", True),
        ("prod", "clusters/production", True),
        ("dev", "overlays/prod", False),
        ("prod", "clusters/eu", False),
    ],
)
def test_two_folders_are_one_environment_by_its_words(name: str, path: str, same: bool) -> None:
    assert is_same_place(name, path) is same
