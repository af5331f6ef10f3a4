"""A built-in subset of ``kustomize build``, for machines without it: resources, namespace, patches, images, replicas.

What else a Kustomization may say either cannot change a field that K-Fix edits, and is left alone, or is not known
here, and then nothing is rendered. Merging follows Kubernetes' strategic merge patch for the lists of a pod.
Source: kustomize's kustomization file reference; Kubernetes' API reference (patchMergeKey of each list).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects.kinds import is_namespaced
from manifests.objects.shapes import items, mapping
from manifests.refused import NotEditable
from manifests.render import locality
from manifests.render.merge import is_built_in, json_patched, merged
from manifests.repository.rendering import Files, KustomizeBuild, NotRendered, Recipe, RenderSession
from manifests.text.readings import Readings
from schemas.base import Json

_DONE = frozenset(
    {
        "resources",
        "bases",
        "components",
        "namespace",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "images",
        "replicas",
    }
)
#: They change labels, annotations or order, or say something about building: nothing that a plan sets.
_INERT = frozenset(
    {
        "apiVersion",
        "kind",
        "metadata",
        "commonLabels",
        "labels",
        "commonAnnotations",
        "buildMetadata",
        "generatorOptions",
        "sortOptions",
    }
)


class BuiltIn:
    """``rendering.Renderer`` where no program is: this subset of kustomize, and no Helm."""

    @contextmanager
    def open(self, files: Files, readings: Readings | None = None) -> Iterator[RenderSession]:
        """Renders from memory."""
        yield _Bench(files, readings or Readings())


@dataclass(frozen=True, slots=True)
class _Bench:
    files: Files
    readings: Readings

    def render(self, recipe: Recipe, changed: Mapping[str, str] | None = None) -> str:
        if not isinstance(recipe, KustomizeBuild):
            raise NotRendered(say("manifests.helm_not_installed_here"))
        files = {**self.files, **(changed or {})}
        locality.check(files, recipe.folder, self.readings)
        return build(files, recipe.folder, self.readings)

    def cached(self, name: str) -> bytes | None:
        return None


def build(files: Files, folder: str, readings: Readings) -> str:
    """The objects that a folder builds, as YAML. Raises NotRendered."""
    built = objects(files, folder, readings)
    return "---\n".join(yaml.safe_dump(item, sort_keys=True, allow_unicode=True) for item in built)


def objects(files: Files, folder: str, readings: Readings) -> list[Json]:
    """The objects that a folder builds. Raises NotRendered."""
    return _build(_Bench(files, readings), folder, [], 0)


def _build(bench: _Bench, folder: str, given: list[Json], depth: int) -> list[Json]:
    """``given``: what a component works on."""
    files, readings = bench.files, bench.readings
    if depth > 20:
        raise NotRendered(say("manifests.kustomizations_use_each_other_circle"))
    content = locality.kustomization(files, folder, readings)
    unknown = sorted(content.keys() - _DONE - _INERT)
    kind = "Component" if given else "Kustomization"
    if unknown or content.get("kind", kind) != kind:
        what = unknown[0] if unknown else say("manifests.kind_here", content=content["kind"])
        raise NotRendered(say("manifests.kustomize_not_installed_here_built", what=what))
    built = list(given)
    for name in [*items(content, "resources"), *items(content, "bases")]:
        path = locality.below(folder, name)
        if path in files:
            built += locality.read(files, path, readings)
        else:
            built += _build(bench, path, [], depth + 1)
    for name in items(content, "components"):
        built = _build(bench, locality.below(folder, name), built, depth + 1)
    for entry, target in _patches(bench, folder, content):
        built = _patched(built, entry, target)
    for item in built:
        if content.get("namespace") and isinstance(item, dict):
            _settle(item, str(content["namespace"]))
    _set_replicas(built, items(content, "replicas"))
    _set_images(built, items(content, "images"))
    return built


def _patches(
    bench: _Bench, folder: str, content: Mapping[str, Any]
) -> list[tuple[Json, Mapping[str, Any]]]:
    """(patch, target) in kustomize's order: strategic merges, then JSON patches, then ``patches``."""
    entries: list[Any] = [
        {"patch": item} if "\n" in str(item) else {"path": item}
        for item in items(content, "patchesStrategicMerge")
    ]
    entries += [*items(content, "patchesJson6902"), *items(content, "patches")]
    found: list[tuple[Json, Mapping[str, Any]]] = []
    for entry in entries:
        if not isinstance(entry, Mapping) or entry.get("options"):
            raise NotRendered(say("manifests.patch_with_options_not_built"))
        target = entry.get("target") or {}
        if entry.get("path"):
            path = posixpath.normpath(posixpath.join(folder, str(entry["path"])))
            if path not in bench.files:
                raise NotRendered(say("manifests.no_file", path=path))
            parts = locality.read(bench.files, path, bench.readings)
        else:
            try:
                parts = locality.parse(str(entry.get("patch", "")), bench.readings)
            except NotEditable as refused:
                raise NotRendered(say("manifests.inline_patch", why=refused.reason)) from None
        found += [(part, target) for part in parts]
    return found


def _patched(built: list[Json], patch: Json, target: Mapping[str, Any]) -> list[Json]:
    hit = False
    out: list[Json] = []
    for item in built:
        if not (_selected(item, target) if target else _same_object(item, patch)):
            out.append(item)
            continue
        hit = True
        if isinstance(patch, list):
            out.append(json_patched(item, patch))
        elif patch.get("$patch") != "delete":
            content = {k: v for k, v in patch.items() if k != "metadata"} if target else patch
            out.append(merged(item, content, is_built_in(item)))
    if not hit and not target:
        raise NotRendered(say("manifests.patch_meets_no_object"))
    return out


def _selected(item: Json, target: Mapping[str, Any]) -> bool:
    if set(target) - {"kind", "name", "namespace", "group", "version"}:
        raise NotRendered(say("manifests.selector_not_built_in"))
    group, _, version = str(item.get("apiVersion", "")).rpartition("/")
    metadata = mapping(item, "metadata")
    have = {"kind": item.get("kind"), "group": group, "version": version}
    have |= {"name": metadata.get("name"), "namespace": metadata.get("namespace", "default")}
    for key, wanted in target.items():
        if key in ("name", "kind", "namespace"):
            if wanted and not re.fullmatch(str(wanted), str(have[key] or "")):
                return False
        elif wanted and wanted != have[key]:
            return False
    return True


def _same_object(item: Json, patch: Json) -> bool:
    if not isinstance(patch, Mapping):
        raise NotRendered(say("manifests.json_patch_without_target"))
    first, second = mapping(item, "metadata"), mapping(patch, "metadata")
    return (
        item.get("kind") == patch.get("kind")
        and str(item.get("apiVersion")).rpartition("/")[0]
        == str(patch.get("apiVersion")).rpartition("/")[0]
        and first.get("name") == second.get("name")
        and first.get("namespace", "default") == second.get("namespace", "default")
    )


def _settle(item: dict[str, Any], namespace: str) -> None:
    if is_namespaced(str(item.get("kind") or "")):
        item["metadata"] = {**mapping(item, "metadata"), "namespace": namespace}


def _set_replicas(built: list[Json], wanted: list[Any]) -> None:
    for entry in wanted:
        for item in built:
            named = mapping(item, "metadata").get("name") == entry.get("name")
            if named and item.get("kind") in (
                "Deployment",
                "StatefulSet",
                "ReplicaSet",
                "ReplicationController",
            ):
                item["spec"] = {**mapping(item, "spec"), "replicas": entry.get("count")}


def _set_images(built: list[Json], wanted: list[Any]) -> None:
    for item in built:
        for container in _containers(item):
            image = str(container.get("image", ""))
            for entry in wanted:
                image = _image(image, entry)
            if image:
                container["image"] = image


def _image(image: str, entry: Mapping[str, Any]) -> str:
    name, tag = _split(image)
    if name != entry.get("name"):
        return image
    name = str(entry.get("newName") or name)
    if entry.get("digest"):
        return f"{name}@{entry['digest']}"
    return name + (f":{entry['newTag']}" if entry.get("newTag") else tag)


def _split(image: str) -> tuple[str, str]:
    """(name, tag or digest with its mark)."""
    at = image.find("@")
    if at >= 0:
        return image[:at], image[at:]
    colon = image.rfind(":")
    return (image[:colon], image[colon:]) if colon > image.rfind("/") else (image, "")


def _containers(node: Any) -> list[dict[str, Any]]:
    """Every container below a node, as kustomize's image transformer finds them."""
    found: list[dict[str, Any]] = []
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                found += [item for item in value if isinstance(item, dict)]
            else:
                found += _containers(value)
    elif isinstance(node, list):
        for item in node:
            found += _containers(item)
    return found
