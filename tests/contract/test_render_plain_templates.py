"""Templates of a chart without anything filled in, which look like manifests of their own, with the real helm."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.refused import NotEditable
from tests.contract.test_render_values import changed
from tests.support.render import renderer

pytestmark = pytest.mark.render

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: shop}
spec:
  selector: {app: cache}
  ports:
  - port: 6379 # of clients
    name: cache
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: cache-ENV, namespace: argocd}
spec:
  destination: {namespace: shop}
  source: {repoURL: https://git.example/shop/deploy.git, path: charts/cache}
"""
FILES = {
    "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 0.1.0\n",
    "charts/cache/templates/service.yaml": SERVICE,
    "argocd/one.yaml": APPLICATION.replace("ENV", "one"),
}
PATH, REF = "spec.ports[name=cache].port", "Service/shop/cache"


def test_a_literal_of_a_chart_of_one_release_is_edited_in_its_template(renderer: Programs) -> None:
    assert changed(FILES, renderer, PATH, 6380, ref=REF) == [
        "charts/cache/templates/service.yaml",
        "-  - port: 6379 # of clients",
        "+  - port: 6380 # of clients",
    ]


@pytest.mark.parametrize(
    "more",
    [
        {f"argocd/{env}.yaml": APPLICATION.replace("ENV", env) for env in ("prod", "staging")},
        {"deploy/cache.yaml": SERVICE.replace("6379", "6378")},
        {"deploy/kustomization.yaml": "resources: [../charts/cache/templates/service.yaml]\n"},
    ],
    ids=["two releases", "a manifest too", "a Kustomization too"],
)
def test_what_more_than_one_release_makes_is_not_edited(
    renderer: Programs, more: dict[str, str]
) -> None:
    with pytest.raises(NotEditable):
        changed(FILES | more, renderer, PATH, 6380, ref=REF)
