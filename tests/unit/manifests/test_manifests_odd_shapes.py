"""Whatever shape a repository's deployers and overlays have, the search ends with edits or a refusal, never a crash."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.plans import FieldChange, KubernetesChange
from tests.support import render as sample

JUNK: list[Any] = [
    None,
    0,
    True,
    "",
    "x",
    "*",
    "{{",
    [],
    {},
    [None],
    ["x"],
    {"x": None},
    [[]],
    [{}],
    1.5,
    "../../..",
]
MARKS = {
    "argocd.argoproj.io/tracking-id": "api:apps/Deployment:shop/api",
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "helm.toolkit.fluxcd.io/name": "api",
}
DOCUMENTS: dict[str, Any] = {
    "app.yaml": {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "api"},
        "spec": {
            "destination": {"namespace": "shop"},
            "sources": [
                {"ref": "v", "repoURL": "https://x/y"},
                {
                    "path": "charts/api",
                    "helm": {
                        "valueFiles": ["$v/a.yaml"],
                        "parameters": [{"name": "a", "value": "b"}],
                    },
                    "kustomize": {
                        "images": ["a=b"],
                        "patches": [{"target": {"kind": "X"}, "patch": "a: 1"}],
                    },
                },
            ],
        },
    },
    "set.yaml": {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "all"},
        "spec": {
            "generators": [
                {"list": {"elements": [{"a": "b"}]}},
                {"git": {"directories": [{"path": "c/*"}]}},
            ],
            "template": {"metadata": {"name": "{{a}}"}, "spec": {"source": {"path": "charts/api"}}},
        },
    },
    "release.yaml": {
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {
            "chart": {
                "spec": {
                    "chart": "./charts/api",
                    "sourceRef": {"kind": "GitRepository"},
                    "valuesFiles": ["a"],
                }
            },
            "values": {"replicaCount": 2},
            "valuesFrom": [{"kind": "ConfigMap", "name": "m"}],
        },
    },
    "flux.yaml": {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux"},
        "spec": {"path": "./prod", "patches": [{"target": {"kind": "Deployment"}, "patch": "[]"}]},
    },
    "prod/kustomization.yaml": {
        "resources": ["../base"],
        "components": [],
        "patches": [
            {"path": "p.yaml", "target": {"kind": "Deployment"}},
            {"patch": "- {op: add, path: /x, value: 1}"},
        ],
        "images": [{"name": "a", "newTag": "1"}],
        "replicas": [{"name": "web", "count": 2}],
        "configMapGenerator": [{"name": "m", "files": ["values.yaml=p.yaml"]}],
    },
    "prod/p.yaml": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "a:2"}]}}},
    },
    "base/kustomization.yaml": {"resources": ["web.yaml"]},
    "base/web.yaml": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "app", "image": "a:1"}]}},
        },
    },
    "base/hpa.yaml": {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "other"}},
    },
}


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [path, *(p for key, value in inside for p in places(value, (*path, key)))]


SPOTS = [(file, place) for file, document in DOCUMENTS.items() for place in places(document)]


def with_junk(spots: list[tuple[tuple[str, tuple[Any, ...]], Any]]) -> dict[str, str]:
    documents = copy.deepcopy(DOCUMENTS)
    for (file, place), junk in spots:
        if not place:
            documents[file] = junk
            continue
        try:
            node = documents[file]
            for key in place[:-1]:
                node = node[key]
            node[place[-1]] = junk
        except (KeyError, IndexError, TypeError):
            continue  # an earlier piece of junk took its parent away
    texts = {file: yaml.safe_dump(document) for file, document in documents.items()}
    return sample.chart() | texts


@given(st.lists(st.tuples(st.sampled_from(SPOTS), st.sampled_from(JUNK)), min_size=1, max_size=3))
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_no_shape_of_a_repository_breaks_the_search(
    spots: list[tuple[tuple[str, tuple[Any, ...]], Any]],
) -> None:
    index = build(with_junk(spots))
    for name, field in (
        ("api", FieldChange(path="spec.replicas", before=2, after=3)),
        (
            "web",
            FieldChange(
                path="spec.template.spec.containers[name=app].image", before="a:2", after="a:3"
            ),
        ),
    ):
        ref = sample.API.model_copy(update={"name": name})
        for marks in ({}, MARKS):
            hints = Hints("production", project="shop/deploy", live={ref.key: marks})
            change = KubernetesChange(object=ref, fields=(field,))
            found = propose_on(index, [change], EditBase("", "", "", {}), hints, BuiltIn())
            assert isinstance(found, EditProposal | EditRefused)
