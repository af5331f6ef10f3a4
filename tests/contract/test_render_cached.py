"""Charts of a registry that the configured cache has are rendered, so that edits of their values are proven."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from kfix.infra.clients.renderers import Programs
from manifests.helm.cached import digest
from manifests.refused import EditRefused
from tests.support.render import MEMORY, accepted, chart, lines_of, proposed, raise_to, renderer

pytestmark = pytest.mark.render
MORE = raise_to(MEMORY, "128Mi", "256Mi")
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: api-prod, namespace: argocd}
spec:
  destination: {name: prod, namespace: shop}
  source:
    repoURL: https://charts.example/stable
    chart: api
    targetRevision: VERSION
    helm:
      releaseName: api
      valuesObject:
        worker: {memory: 128Mi}
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: api, namespace: shop}
spec:
  chart: {spec: {chart: api, version: 1.2.3, sourceRef: {kind: HelmRepository, name: stable}}}
  values:
    resources: {limits: {memory: 128Mi}}
"""


def packed(folder: Path, name: str = "api-1.2.3.tgz", **files: str) -> None:
    """A packed chart, as a registry gives it."""
    with tarfile.open(folder / name, "w:gz") as archive:
        for path, text in (chart("api") | files).items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


@pytest.fixture
def cached(renderer: Programs, tmp_path: Path) -> Programs:
    """The real programs with a cache of one chart."""
    packed(tmp_path)
    return replace(renderer, charts=str(tmp_path))


def application(version: str = "1.2.3") -> dict[str, str]:
    return {"argocd/prod.yaml": APPLICATION.replace("VERSION", version)}


def test_a_value_that_only_the_charts_defaults_set_is_set_in_the_application(
    cached: Programs,
) -> None:
    found = proposed(application(), cached, MORE, env="prod")
    assert accepted(found).proof.verdict == "pass"
    assert lines_of(found) == {
        "argocd/prod.yaml": [
            "+        resources:",
            "+          limits:",
            "+            memory: 256Mi",
        ]
    }


def test_a_value_of_a_helm_release_is_changed_where_it_stands(cached: Programs) -> None:
    found = proposed({"apps/prod/api.yaml": RELEASE}, cached, MORE, env="prod")
    assert accepted(found).proof.verdict == "pass"
    assert lines_of(found) == {
        "apps/prod/api.yaml": [
            "-    resources: {limits: {memory: 128Mi}}",
            "+    resources: {limits: {memory: 256Mi}}",
        ]
    }


def test_a_field_that_no_value_reaches_is_refused_since_the_chart_was_rendered(
    cached: Programs,
) -> None:
    grace = raise_to("spec.template.spec.terminationGracePeriodSeconds", 30, 60)
    found = proposed(application(), cached, grace, env="prod")
    assert isinstance(found, EditRefused)
    assert found.code in ("TEMPLATED", "NOT_FOUND")


@pytest.mark.parametrize("version", ["1.2.4", "1.2.x", "^1.2.3", "", "../api-1.2.3"])
def test_another_version_is_not_rendered(cached: Programs, version: str) -> None:
    found = proposed(application(f"'{version}'"), cached, MORE, env="prod")
    assert isinstance(found, EditRefused) or found.proof.verdict == "unknown"


def test_a_packed_chart_of_another_name_or_version_inside_is_not_used(
    renderer: Programs, tmp_path: Path
) -> None:
    packed(tmp_path, **{"api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 9.9.9\n"})
    found = proposed(application(), replace(renderer, charts=str(tmp_path)), MORE, env="prod")
    assert isinstance(found, EditRefused) or found.proof.verdict == "unknown"


FLEET = """\
defaultNamespace: shop
helm: {releaseName: api, repo: https://charts.example/stable, chart: api, version: 1.2.3}
targetCustomizations:
- {name: dev, clusterGroup: dev, helm: {values: {replicaCount: 1}}}
- name: prod
  clusterGroup: prod
  helm:
    values:
      resources: {limits: {memory: 128Mi}}
"""


def test_a_target_of_fleet_gets_its_value(cached: Programs) -> None:
    found = proposed({"api/fleet.yaml": FLEET}, cached, MORE, env="prod")
    assert accepted(found).proof.verdict == "pass"
    assert lines_of(found) == {
        "api/fleet.yaml": [
            "-      resources: {limits: {memory: 128Mi}}",
            "+      resources: {limits: {memory: 256Mi}}",
        ]
    }


UMBRELLA = {
    "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\ndependencies:\n"
    "- {name: api, version: 1.2.3, repository: 'https://charts.example/stable', alias: web}\n",
    "shop/values.yaml": "web:\n  resources: {limits: {memory: 128Mi}}\n",
    "argocd/prod.yaml": APPLICATION.replace("    chart: api\n", "    path: shop\n")
    .replace("https://charts.example/stable", "https://git.example/shop/deploy.git")
    .replace("    targetRevision: VERSION\n", "")
    .replace("        worker: {memory: 128Mi}\n", "        other: {a: b}\n"),
}


def test_an_umbrella_is_rendered_with_its_dependency_of_the_cache(cached: Programs) -> None:
    found = proposed(UMBRELLA, cached, MORE, env="prod")
    assert accepted(found).proof.verdict == "pass"
    assert lines_of(found) == {
        "shop/values.yaml": [
            "-  resources: {limits: {memory: 128Mi}}",
            "+  resources: {limits: {memory: 256Mi}}",
        ]
    }


def lock(version: str, said: str) -> dict[str, str]:
    entries = [{"name": "api", "repository": "https://charts.example/stable", "version": version}]
    return {"shop/Chart.lock": yaml.safe_dump({"dependencies": entries, "digest": said})}


def test_a_lock_says_the_version_where_its_digest_is_right(cached: Programs) -> None:
    ranged = UMBRELLA | {
        "shop/Chart.yaml": UMBRELLA["shop/Chart.yaml"].replace("1.2.3", "'>=1 <2'")
    }
    asked = yaml.safe_load(ranged["shop/Chart.yaml"])["dependencies"]
    locked = yaml.safe_load(lock("1.2.3", "")["shop/Chart.lock"])["dependencies"]
    right = digest(asked, locked)
    found = proposed(ranged | lock("1.2.3", right), cached, MORE, env="prod")
    assert accepted(found).proof.verdict == "pass"
    for files in (ranged, ranged | lock("1.2.3", "sha256:0"), ranged | lock("1.2.4", right)):
        found = proposed(files, cached, MORE, env="prod")
        assert isinstance(found, EditRefused) or found.proof.verdict == "unknown"


def test_the_digest_is_the_one_that_helm_writes(renderer: Programs, tmp_path: Path) -> None:
    (tmp_path / "dep").mkdir()
    (tmp_path / "dep/Chart.yaml").write_text("apiVersion: v2\nname: dep\nversion: 1.5.0\n")
    asked = [
        {
            "name": "dep", "version": ">=1.0.0 <2.0.0",
            "repository": "file://../dep", "condition": "dep.on&off", "tags": ["a", "b<c"],
            "import-values": [{"parent": "p", "child": "c"}, "data"], "alias": "other",
        }
    ]  # fmt: skip
    (tmp_path / "top").mkdir()
    top = {"apiVersion": "v2", "name": "top", "version": "1.0.0", "dependencies": asked}
    (tmp_path / "top/Chart.yaml").write_text(yaml.safe_dump(top, sort_keys=False))
    subprocess.run(
        [renderer.helm, "dependency", "update", str(tmp_path / "top")],
        check=True, capture_output=True, timeout=60, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    made: Mapping[str, object] = yaml.safe_load((tmp_path / "top/Chart.lock").read_text())
    assert made["digest"] == digest(
        asked, yaml.safe_load((tmp_path / "top/Chart.lock").read_text())["dependencies"]
    )
