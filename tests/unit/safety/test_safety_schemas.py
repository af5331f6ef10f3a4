"""Kubernetes' published schemas: the library's own verdicts, without its reading everything at every call."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Any

import kubernetes_validate as kv
import pytest
import yaml
from kubernetes_validate.utils import VersionNotSupportedError

from safety.adapters.schemas import PublishedSchemas, packaged

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "labels": {"app": "api"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {
                "containers": [
                    {
                        "name": "api",
                        "image": "api:1",
                        "resources": {"limits": {"memory": "1Gi"}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                    }
                ]
            },
        },
    },
}
POD = DEPLOYMENT["spec"]["template"]["spec"]
ITEMS: dict[str, dict[str, Any]] = {
    "whole": DEPLOYMENT,
    "a field that is not there": {
        **DEPLOYMENT,
        "spec": {**DEPLOYMENT["spec"], "replica": 2, "paused": "yes"},
    },
    "deep": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "api"},
        "spec": {"containers": [{**POD["containers"][0], "resources": {"limit": {}}}]},
    },
    "a wrong type": {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": "two"}},
    "nothing required": {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}},
    "a number as a name": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"n": 1},
    },
    "a group with dots": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "a"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "verb": []}],
    },
    "beyond a version": {
        "apiVersion": "policy/v1beta1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "a"},
    },
    "somebody's own kind": {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "a"},
    },
}


def library(item: dict[str, Any], version: str) -> str | None:
    """What ``kubernetes-validate`` itself says, in the adapter's words."""
    try:
        kv.validate(item, version or kv.latest_version(), strict=True)
    except kv.SchemaNotFoundError:
        return None
    except kv.ValidationError as failure:
        path = ".".join(str(part) for part in failure.path)
        return f"{path}: {failure.message[:200]}" if path else str(failure.message)[:200]
    return ""


class CountedReader:
    """The package's files, and how often each was asked for."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()

    def __call__(self, path: str) -> str | None:
        self.reads[path.rpartition("/")[2]] += 1
        return packaged(path)


@pytest.mark.parametrize("version", ["", "1.25", "v1.31.4", "1.33.2-eks-4", "1.37.0"])
def test_the_verdicts_are_those_of_the_library(version: str) -> None:
    ours = PublishedSchemas(version)
    told = {name: ours.validate(item) for name, item in ITEMS.items()}
    assert told == {name: library(item, version) for name, item in ITEMS.items()}
    assert told["whole"] == ""
    assert told["somebody's own kind"] is None
    assert all(told[name] for name in ("a field that is not there", "deep", "a wrong type"))


def test_the_sandboxs_repository_is_judged_as_the_library_judges_it() -> None:
    folder = files("sandbox").joinpath("company/repository/apps")
    items = [
        item
        for app in folder.iterdir()
        for path in app.iterdir()
        for item in yaml.safe_load_all(path.read_text())
        if item
    ]
    assert len(items) > 5
    assert [PublishedSchemas().validate(i) for i in items] == [library(i, "") for i in items]


def test_a_schema_is_read_once_whoever_asks_and_however_often() -> None:
    read = CountedReader()
    for _ in range(3):
        for item in ITEMS.values():
            PublishedSchemas("1.36", read).validate(item)
    assert read.reads["_definitions.json"] == 1
    assert read.reads["deployment-apps-v1.json"] == 1
    assert set(read.reads.values()) == {1}


def test_each_version_has_schemas_of_its_own() -> None:
    old = {
        "apiVersion": "policy/v1beta1",
        "kind": "PodSecurityPolicy",
        "metadata": {"name": "a"},
    }
    resize = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "a"}], "resources": {"limits": {"cpu": "1"}}},
    }
    for item in (old, resize):
        for version in ("1.25", "1.37"):
            assert PublishedSchemas(version).validate(item) == library(item, version)
    assert PublishedSchemas("1.25").validate(resize) != PublishedSchemas("1.37").validate(resize)


def test_a_kind_that_is_a_path_has_no_schema_and_opens_no_file() -> None:
    read = CountedReader()
    for kind in ("../v1.37.0-local/Deployment", "deployment-apps-v1.json/..", "Déploiement", ""):
        item = {**DEPLOYMENT, "kind": kind}
        assert PublishedSchemas("1.35", read).validate(item) is None
    item = {**DEPLOYMENT, "apiVersion": "../v1"}
    assert PublishedSchemas("1.35", read).validate(item) is None
    assert set(read.reads) == {"_definitions.json"}


@pytest.mark.parametrize("version", ["1.99", "1.3", "newest"])
def test_a_version_without_schemas_is_told_not_guessed(version: str) -> None:
    with pytest.raises(VersionNotSupportedError):
        PublishedSchemas(version).validate(DEPLOYMENT)
