"""Kustomizations that only list what they are built of are read as they stand; what kustomize does more, it is asked for."""

from __future__ import annotations

import pytest

from manifests.helm.releases import declared
from manifests.repository import kustomize
from manifests.repository.index import build
from manifests.repository.rendering import NotRendered, Recipe
from manifests.repository.tree import PathsByFolder

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api}
spec: {source: {path: charts/api}}
"""


class Counting:
    """A workbench that builds nothing and tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Recipe] = []

    def render(self, recipe: Recipe, changed: object = None) -> str:
        self.asked.append(recipe)
        raise NotRendered("not here")

    def cached(self, name: str) -> bytes | None:
        return None


def read(files: dict[str, str]) -> tuple[list[tuple[str, str]], int]:
    """(place, name) of everything that installs, and how often it took a rendering."""
    index, bench = build(files), Counting()
    found = declared(index, kustomize.read_graph(index), bench, [])
    return [(place, item["metadata"]["name"]) for place, item in found], len(bench.asked)


def test_what_is_only_listed_is_read_as_it_stands() -> None:
    files = {
        "all/kustomization.yaml": "resources: [../apps, own.yaml]\n",
        "all/own.yaml": APPLICATION.replace("name: api", "name: own"),
        "apps/kustomization.yaml": "kind: Kustomization\nresources: [api.yaml]\n",
        "apps/api.yaml": APPLICATION,
    }
    assert read(files) == ([("all", "own"), ("all", "api")], 0)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("namePrefix: x-\n", APPLICATION),
        ("patches: [{path: p.yaml}]\n", APPLICATION),
        ("components: [../c]\n", APPLICATION),
        ("", "apiVersion: v1\nkind: List\nitems: [{apiVersion: argoproj.io/v1alpha1}]\n---\n" + APPLICATION),
        ("", APPLICATION.replace("name: api", "name: api, annotations: {config.kubernetes.io/local-config: 'true'}")),
    ],
)  # fmt: skip
def test_what_kustomize_changes_it_is_asked_for(setting: str, text: str) -> None:
    files = {"apps/kustomization.yaml": f"resources: [api.yaml]\n{setting}", "apps/api.yaml": text}
    assert read(files)[1] == 1


def test_a_file_that_is_not_here_takes_kustomize_to_tell() -> None:
    files = {
        "apps/kustomization.yaml": "resources: [api.yaml, gone.yaml]\n",
        "apps/api.yaml": APPLICATION,
    }
    assert read(files) == ([("apps/api.yaml", "api")], 1)


def test_paths_below_a_folder_are_its_own_in_their_first_order() -> None:
    listing = PathsByFolder(["b/z.yaml", "b-c/a.yaml", "b/a/y.yaml", "b.yaml", "a.yaml", "b0.yaml"])
    assert listing.below("b") == ["b/z.yaml", "b/a/y.yaml"]
    assert listing.below("b/a") == ["b/a/y.yaml"]
    assert listing.below("c") == []
    assert len(listing.below("")) == 6
