"""Where a value stands: the lines that an edit of a chart's field changes, with the real programs."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import NotEditable
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.hostile_repos import MEMORY, Repo
from tests.support.render import renderer
from tests.support.value_kinds import OWN, VALUES_FROM

pytestmark = pytest.mark.render
REPLICAS = "spec.replicas"


def changed(
    files: Mapping[str, str],
    programs: Programs,
    path: str,
    value: object,
    *,
    env: str = "unknown",
    ref: str = "Deployment/shop/api",
) -> list[str]:
    """The lines of the edit, each with its sign, after the files' names."""
    edits = set_fields(build(files), ObjectRef.parse(ref), {path: value}, Hints(env), programs)
    return [
        line
        for edit in edits
        for line in [edit.path, *edit.diff.splitlines()[2:]]
        if line == edit.path or line[:1] in "+-"
    ]


@pytest.mark.parametrize("repo", VALUES_FROM[:2], ids=lambda repo: repo.name)
def test_a_value_of_a_config_map_goes_where_its_target_path_says(
    renderer: Programs, repo: Repo
) -> None:
    assert changed(repo.files, renderer, REPLICAS, 7) == [
        "apps/values.yaml",
        '-  size: "4"',
        '+  size: "7"',
    ]


def test_only_the_line_of_a_text_of_values_changes(renderer: Programs) -> None:
    assert changed(VALUES_FROM[0].files, renderer, MEMORY, "777Mi") == [
        "apps/values.yaml",
        "-        memory: 512Mi # peaks at 400",
        "+        memory: 777Mi # peaks at 400",
    ]


def test_values_inside_of_a_helmfile_change_in_their_document(renderer: Programs) -> None:
    assert changed(OWN[-1].files, renderer, REPLICAS, 7, env="prod") == [
        "helmfile.yaml",
        "-      - replicaCount: 5 # of all",
        "+      - replicaCount: 7 # of all",
    ]


def _generated(app: str, more: str = "") -> dict[str, str]:
    """A HelmRelease of a chart kept elsewhere, with values that a generator makes a ConfigMap of."""
    return {
        f"{app}/kustomization.yaml": f"namespace: {app}\nresources: [release.yaml{more}]\n"
        "configMapGenerator: [{name: values, files: [values.yaml]}]\nconfigurations: [names.yaml]\n",
        f"{app}/names.yaml": "nameReference:\n- kind: ConfigMap\n  fieldSpecs: [{path: spec/valuesFrom/name, kind: HelmRelease}]\n",
        f"{app}/values.yaml": "replicas: 2 # enough\n",
        f"{app}/release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        "metadata: {name: api}\nspec:\n  chart: {spec: {chart: x, sourceRef: {kind: HelmRepository, name: x}}}\n"
        "  valuesFrom: [{kind: ConfigMap, name: values}]\n",
    }


def test_values_of_a_chart_from_elsewhere_change_in_the_generators_file_of_their_folder(
    renderer: Programs,
) -> None:
    files = _generated("shop") | _generated("web")
    assert changed(files, renderer, REPLICAS, 3) == [
        "shop/values.yaml",
        "-replicas: 2 # enough",
        "+replicas: 3 # enough",
    ]


def test_values_that_something_else_reads_too_are_left_alone(renderer: Programs) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: reader}\n"
        "spec: {volumes: [{name: v, configMap: {name: values}}]}\n"
    )
    files = _generated("shop", ", pod.yaml") | {"shop/pod.yaml": pod}
    with pytest.raises(NotEditable, match="more than the plan would change"):
        changed(files, renderer, REPLICAS, 3)
