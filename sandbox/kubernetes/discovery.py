"""What the server says about itself: version, groups, resources."""

from __future__ import annotations

from typing import Any

from sandbox.kubernetes.store import Cluster

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def version(cluster: Cluster) -> dict[str, Any]:
    """``/version``."""
    major, minor = cluster.version.removeprefix("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": cluster.version,
        "platform": "linux/amd64",
    }


def core_versions() -> dict[str, Any]:
    """``/api``."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    listed = [{"groupVersion": v, "version": v.rpartition("/")[2]} for v in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _versions(cluster: Cluster) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in cluster.kinds:
        if kind.group and kind.version not in found.setdefault(kind.group, []):
            found[kind.group].append(kind.version)
    return found


def groups(cluster: Cluster) -> dict[str, Any]:
    """``/apis``."""
    listed = [_group(name, versions) for name, versions in _versions(cluster).items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(cluster: Cluster, name: str) -> dict[str, Any] | None:
    """``/apis/<group>``; ``None`` when it is not served."""
    versions = _versions(cluster).get(name)
    if versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def resources(cluster: Cluster, version: str) -> dict[str, Any] | None:
    """``/api/v1`` and ``/apis/<group>/<version>``; ``None`` when it is not served."""
    kinds = [kind for kind in cluster.kinds if kind.version == version]
    if not kinds:
        return None
    listed = []
    for kind in kinds:
        names = {"name": kind.plural, "singularName": kind.kind.lower(), "kind": kind.kind}
        entry = {**names, "namespaced": kind.namespaced, "verbs": _VERBS}
        listed.append(entry | ({"shortNames": [kind.short]} if kind.short else {}))
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": listed,
    }
