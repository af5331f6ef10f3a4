"""A deployer in an odd shape is no licence to edit what it does not deploy: the right file, or a refusal."""

from __future__ import annotations

import pytest

from manifests.refused import EditRefused
from manifests.repository import dependencies
from manifests.repository.index import build
from manifests.repository.rendering import NotRendered
from manifests.text.readings import Readings
from schemas.plans import FieldChange
from tests.support import render as sample
from tests.support.manifests.odd_installers import chart
from tests.support.stand_in_helm import StandIn

MORE = FieldChange(path="spec.replicas", before=4, after=9)
UNUSED = "replicaCount: 4\n"


@pytest.mark.parametrize(
    ("folder", "helmfile", "written"),
    [
        ("api", "helmfile.yaml", "api"),
        ("charts/api", "helmfile.yaml", "charts/api"),
        ("a/b/c/api", "helmfile.yaml", "a/b/c/api"),
        ("deploy/api", "deploy/helmfile.d/api.yaml", "../api"),
    ],
)
def test_a_chart_of_a_helmfile_is_here_whatever_its_path_begins_with(
    folder: str, helmfile: str, written: str
) -> None:
    release = f"releases:\n- name: api\n  namespace: shop\n  chart: {written}\n  values:\n  - replicaCount: 4\n"
    files = chart(folder, values_prod=UNUSED) | {helmfile: release}
    found = sample.proposed(files, StandIn(), MORE)
    assert sample.lines_of(found) == {helmfile: ["-  - replicaCount: 4", "+  - replicaCount: 9"]}


@pytest.mark.parametrize(
    "entry",
    [
        "../apps/api.yaml",
        "{path: ../apps/api.yaml}",
        "../apps",
        "'../apps/*.yaml'",
        "'../{{ .x }}/api.yaml'",
    ],
)
def test_a_helmfile_that_another_one_takes_in_installs_its_releases(entry: str) -> None:
    release = "releases:\n- name: api\n  namespace: shop\n  chart: ../charts/api\n  values:\n  - replicaCount: 4\n"
    files = chart("charts/api", values_prod=UNUSED) | {
        "deploy/helmfile.yaml": f"helmfiles:\n- {entry}\n",
        "apps/api.yaml": release,
    }
    found = sample.proposed(files, StandIn(), MORE)
    assert sample.lines_of(found) == {
        "apps/api.yaml": ["-  - replicaCount: 4", "+  - replicaCount: 9"]
    }


def test_a_bundle_of_a_helm_repository_is_not_proven_with_a_folder_of_the_same_name() -> None:
    bundle = (
        "namespace: shop\nhelm:\n  repo: https://charts.example\n  chart: api\n  releaseName: api\n"
        "  values: {replicaCount: 4}\n"
    )
    files = chart("bundle/api") | {"bundle/fleet.yaml": bundle}
    found = sample.proposed(files, StandIn(), MORE)
    assert [edit.path for edit in found.edits] == ["bundle/fleet.yaml"]
    assert found.proof.verdict == "unknown"
    assert found.proof.elsewhere, (
        "its value is named like the field; the chart that reads it is not here"
    )


@pytest.mark.parametrize("source", ["GitRepository", "Bucket"])
def test_a_release_of_a_folder_in_an_artifact_installs_the_chart_that_is_here(source: str) -> None:
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api, namespace: shop}\nspec:\n"
        f"  chart: {{spec: {{chart: ./charts/api, sourceRef: {{kind: {source}, name: x}}}}}}\n"
        "  values:\n    replicaCount: 4\n"
    )
    files = chart("charts/api", values_prod=UNUSED) | {"prod/api.yaml": release}
    found = sample.proposed(files, StandIn(), MORE)
    assert sample.lines_of(found) == {
        "prod/api.yaml": ["-    replicaCount: 4", "+    replicaCount: 9"]
    }


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {{ .Values.name }}
spec:
  destination: {namespace: shop}
  source: {path: PATH, helm: {releaseName: front, valuesObject: {replicaCount: 4}}}
"""


@pytest.mark.parametrize(
    ("path", "installed"),
    [
        ("charts/api", True),
        ("charts/{{ .Values.name }}", True),
        ("charts/api-gateway", False),
        ("charts/my-api", False),
    ],
)
def test_a_chart_that_one_which_cannot_be_rendered_may_install_is_left_alone(
    path: str, installed: bool
) -> None:
    files = chart("charts/api", values_prod=UNUSED) | {
        "apps/Chart.yaml": "name: apps\nversion: 1.0.0\n",
        "apps/templates/app.yaml": APPLICATION.replace("PATH", path) + "# {{ none .Values }}\n",
    }
    found = sample.proposed(files, StandIn(), MORE)
    if installed:
        assert isinstance(found, EditRefused)
        assert found.code == "NOT_RENDERED"
        assert "apps/values.yaml" in found.reason
    else:
        assert list(sample.lines_of(found)) == ["charts/api/values-prod.yaml"]


@pytest.mark.parametrize(("count", "code"), [(40, "AMBIGUOUS_DOC"), (41, "NOT_RENDERED")])
def test_forty_charts_that_may_make_an_object_are_looked_through(count: int, code: str) -> None:
    files: dict[str, str] = {}
    for number in range(count):
        files |= chart(f"c{number}", name="api")
    found = sample.proposed(files, StandIn(), MORE)
    assert isinstance(found, EditRefused)
    assert found.code == code


def dependent(charts: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Charts by folder, with what they say of charts that they bring along."""
    return {
        f"{folder}/Chart.yaml": f"name: {folder}\ndependencies: [{', '.join(entries)}]\n"
        for folder, entries in charts.items()
    }


CHARTS = dependent(
    {
        "a": (
            "{name: b, repository: 'file://../b'}",
            "{name: c, alias: d, repository: 'file://../c/'}",
        ),
        "b": (
            "{name: c, repository: 'file://../c'}",
            "{name: far, repository: 'https://x.example'}",
        ),
        "c": (
            "{name: a, repository: 'file://../a'}",
            "{name: out, repository: 'file://../../out'}",
        ),
        "d": ("{name: d, repository: 'file://.'}", "{name: none, repository: 'file://../none'}"),
    }
)


def test_the_charts_that_a_chart_brings_along_are_those_of_its_repository_with_theirs() -> None:
    assert dependencies.kept(CHARTS, "a", Readings()) == [("b", "b"), ("d", "c")]
    assert dependencies.kept(CHARTS, "c", Readings()) == [("a", "a")]
    assert dependencies.kept(CHARTS, "none", Readings()) == []
    assert dependencies.kept({"a/Chart.yaml": "a: [\n"}, "a", Readings()) == []
    index = build(CHARTS)
    assert sorted(dependencies.folders(index, "a")) == ["b", "c"]
    assert sorted(dependencies.folders(index, "b")) == ["a", "c"]
    assert dependencies.folders(index, "d") == ["d"][:0] or "d" not in dependencies.folders(
        index, "d"
    )
    assert dependencies.charts(index) == ("a", "b", "c", "d")


def test_a_chart_is_given_copies_of_what_it_brings_along() -> None:
    files = {
        "a/Chart.yaml": CHARTS["a/Chart.yaml"],
        "b/Chart.yaml": "name: b\ndependencies: [{name: c, repository: 'file://../c'}]\n",
        "b/values.yaml": "b: 1\n",
        "bb/values.yaml": "no: 1\n",
        "c/Chart.yaml": "name: c\n",
        "c/templates/x.yaml": "x: 1\n",
    }
    brought = dependencies.brought(files, "a", Readings())
    assert {path: brought[path] for path in sorted(brought)} == {
        "a/charts/b/Chart.yaml": files["b/Chart.yaml"],
        "a/charts/b/charts/c/Chart.yaml": "name: c\n",
        "a/charts/b/charts/c/templates/x.yaml": "x: 1\n",
        "a/charts/b/values.yaml": "b: 1\n",
        "a/charts/c/Chart.yaml": "name: c\n",
        "a/charts/c/templates/x.yaml": "x: 1\n",
    }
    assert dependencies.brought(files, "c", Readings()) == {}
    encoded = {path: text.encode() for path, text in files.items()}
    assert set(dependencies.brought(encoded, "a", Readings())) == set(brought)


@pytest.mark.parametrize(
    ("copy", "there"),
    [
        ("a/charts/b/Chart.yaml", True),
        ("a/charts/b-1.2.3.tgz", True),
        ("a/charts/bb/Chart.yaml", False),
        ("a/charts/b-side/Chart.yaml", False),
        ("x/a/charts/b/Chart.yaml", False),
    ],
)
def test_a_chart_that_has_a_copy_already_is_not_rendered_with_another(
    copy: str, there: bool
) -> None:
    files = CHARTS | {copy: "name: b\n"}
    if there:
        with pytest.raises(NotRendered):
            dependencies.brought(files, "a", Readings())
    else:
        assert dependencies.brought(files, "a", Readings())


def test_charts_that_bring_each_other_along_end() -> None:
    brought = dependencies.brought(CHARTS, "a", Readings())
    deepest = max(path.count("/charts/") for path in brought)
    assert deepest == 8
