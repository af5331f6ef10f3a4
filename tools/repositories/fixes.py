"""Edits that the maker of a repository knows."""

from __future__ import annotations

import posixpath
from typing import Any

from tools.repositories.model import IMAGE, Field, Files, Fix, documents, dumped


def of_overlay(folder: str, workload: str) -> tuple[Fix, ...]:
    """An entry of the overlay's images or replicas, or a patch of its own that is applied last."""

    def entry(files: Files, asked: Field) -> dict[str, str] | None:
        said = _said(files, folder)
        if not _put_entry(said, asked, workload):
            return None
        return {f"{folder}/kustomization.yaml": dumped([said])}

    def patch(files: Files, asked: Field) -> dict[str, str]:
        said = _said(files, folder)
        said["patches"] = [*said.get("patches", []), {"path": "known-fix.yaml"}]
        return {
            f"{folder}/kustomization.yaml": dumped([said]),
            f"{folder}/known-fix.yaml": dumped([asked.patch(workload)]),
        }

    return Fix(entry), Fix(patch)


def _said(files: Files, folder: str) -> Any:
    return documents(files[posixpath.join(folder, "kustomization.yaml")])[0]


def _put_entry(said: dict[str, Any], asked: Field, workload: str) -> bool:
    if asked.name == "replicas":
        others = [r for r in said.get("replicas", []) if r["name"] != workload]
        said["replicas"] = [*others, {"name": workload, "count": asked.value}]
        return True
    if asked.name == "image":
        others = [i for i in said.get("images", []) if i["name"] != IMAGE]
        said["images"] = [*others, {"name": IMAGE, "newTag": asked.set_to}]
        return True
    return False


def in_manifest(path: str, workload: str) -> Fix:
    """The field of the workload's own manifest, or of a patch of it."""

    def change(files: Files, asked: Field) -> dict[str, str] | None:
        found = documents(files[path])
        for one in found:
            if one["kind"] == "Deployment" and one["metadata"]["name"] == workload:
                spec = asked.patch(workload)["spec"]
                _merge(one["spec"], spec)
                return {path: dumped(found)}
        return None

    return Fix(change)


def _merge(node: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            _merge(node.setdefault(key, {}), value)
        elif isinstance(value, list):
            for item in value:
                here = node.setdefault(key, [])
                mine = next((i for i in here if i.get("name") == item["name"]), None)
                if mine is None:
                    here.append(item)
                else:
                    _merge(mine, item)
        else:
            node[key] = value


def on_top_of_argo(path: str, workload: str) -> Fix:
    """A patch, images or replicas in an Application's own settings of kustomize."""

    def change(files: Files, asked: Field) -> dict[str, str] | None:
        found = documents(files[path])
        if found[0]["kind"] != "Application":
            return None
        settings = found[0]["spec"]["source"].setdefault("kustomize", {})
        if asked.name == "image":
            settings["images"] = [f"{IMAGE}:{asked.set_to}"]
        elif asked.name == "replicas":
            settings["replicas"] = [{"name": workload, "count": asked.value}]
        else:
            settings.setdefault("patches", []).append(_targeted(asked, workload))
        return {path: dumped(found)}

    return Fix(change, on_top=True)


def on_top_of_flux(path: str, workload: str) -> Fix:
    """A patch or images in a Flux Kustomization."""

    def change(files: Files, asked: Field) -> dict[str, str]:
        found = documents(files[path])
        spec = found[0]["spec"]
        if asked.name == "image":
            spec["images"] = [{"name": IMAGE, "newTag": asked.set_to}]
        else:
            spec.setdefault("patches", []).append(_targeted(asked, workload))
        return {path: dumped(found)}

    return Fix(change, on_top=True)


def _targeted(asked: Field, workload: str) -> dict[str, Any]:
    target = {"kind": "Deployment", "name": workload}
    return {"target": target, "patch": dumped([asked.patch(workload)])}


def of_release_patch(folder: str, release: str) -> Fix:
    """A value of a HelmRelease, patched in an overlay."""

    def change(files: Files, asked: Field) -> dict[str, str]:
        said = _said(files, folder)
        said["patches"] = [*said.get("patches", []), {"path": "known-fix.yaml"}]
        values: Any = asked.set_to
        for key in reversed(asked.keys):
            values = {key: values}
        patch = {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": {"name": release, "namespace": "shop"},
            "spec": {"values": values},
        }
        return {
            f"{folder}/kustomization.yaml": dumped([said]),
            f"{folder}/known-fix.yaml": dumped([patch]),
        }

    return Fix(change)


def parameter(path: str) -> Fix:
    """A parameter of an Application."""

    def change(files: Files, asked: Field) -> dict[str, str] | None:
        found = documents(files[path])
        if found[0]["kind"] != "Application":
            return None
        helm = found[0]["spec"]["source"].setdefault("helm", {})
        name = ".".join(asked.keys)
        others = [p for p in helm.get("parameters", []) if p["name"] != name]
        helm["parameters"] = [*others, {"name": name, "value": str(asked.set_to)}]
        return {path: dumped(found)}

    return Fix(change, on_top=True)


def literal(folder: str, name: str) -> Fix:
    """A literal of a ConfigMap that an overlay generates or merges into."""

    def change(files: Files, asked: Field) -> dict[str, str]:
        said = _said(files, folder)
        made = said.setdefault("configMapGenerator", [])
        mine = next((one for one in made if one["name"] == name), None)
        if mine is None:
            mine = {"name": name, "behavior": "merge"}
            made.append(mine)
        others = [w for w in mine.get("literals", []) if not w.startswith("LEVEL=")]
        mine["literals"] = [*others, f"LEVEL={asked.value}"]
        return {f"{folder}/kustomization.yaml": dumped([said])}

    return Fix(change)


def env_line(path: str) -> Fix:
    """The line of an env file."""

    def change(files: Files, asked: Field) -> dict[str, str] | None:
        if path not in files:
            return None
        kept = [line for line in files[path].splitlines() if not line.startswith("LEVEL=")]
        return {path: "\n".join([*kept, f"LEVEL={asked.value}"]) + "\n"}

    return Fix(change)
