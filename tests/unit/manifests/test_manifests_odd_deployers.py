"""A deployer in an odd shape is no licence to edit what it does not deploy: the right file, or a refusal."""

from __future__ import annotations

import pytest

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
    assert not hasattr(found, "edits"), found
