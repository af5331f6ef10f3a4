"""What deployers lay over a Kustomization's build, as a Kustomization of its own. Pure.

Sources: Argo CD's Kustomize page (spec.source.kustomize); Flux's Kustomization reference (v1), which says the same in
kustomize's own words.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from kfix.texts import say
from manifests.objects.shapes import items, mappings, text

#: Where the Kustomization on top is written for a rendering: no repository has such a folder.
FOLDER = ".kfix-on-top"
_ARGO = ("namePrefix", "nameSuffix", "replicas", "patches", "namespace", "components", "images")
#: They add labels and annotations, or say something about building: nothing that a plan sets.
_INERT = frozenset(
    {
        "commonLabels",
        "commonAnnotations",
        "forceCommonLabels",
        "forceCommonAnnotations",
        "labelWithoutSelector",
        "labelIncludeTemplates",
        "commonAnnotationsEnvsubst",
        "version",
        "kubeVersion",
        "apiVersions",
        "ignoreMissingComponents",
    }
)
_FLUX = {
    "targetNamespace": "namespace",
    "namePrefix": "namePrefix",
    "nameSuffix": "nameSuffix",
    "patches": "patches",
    "patchesStrategicMerge": "patchesStrategicMerge",
    "patchesJson6902": "patchesJson6902",
    "images": "images",
    "components": "components",
}


def from_argo(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """(settings of a Kustomization, why they cannot be said as one; empty when they can)."""
    out = {key: settings[key] for key in _ARGO if settings.get(key)}
    images = [_image(word) for word in items(settings, "images")]
    if "images" in out:
        out["images"] = images
    unknown = sorted(settings.keys() - set(_ARGO) - _INERT)
    return out, say("manifests.kustomize_settings_say", key=str(unknown[0])) if unknown else ""


def _image(word: object) -> dict[str, str]:
    """Argo CD's ``name=new:tag``, ``name:tag`` or ``name@digest``."""
    name, equals, rest = str(word).partition("=")
    new = rest if equals else name
    repository, at, digest = new.partition("@")
    head, colon, tag = repository.rpartition(":")
    tagged = bool(colon) and "/" not in tag and not at
    kept = head if tagged else repository
    found = {"name": name if equals else kept}
    if kept != found["name"]:
        found["newName"] = kept
    if tagged:
        found["newTag"] = tag
    return found | ({"digest": digest} if at else {})


def from_flux(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a Flux Kustomization as those of a Kustomization."""
    out = {theirs: spec[ours] for ours, theirs in _FLUX.items() if spec.get(ours)}
    if "patchesStrategicMerge" in out:
        merged = [_text(patch) for patch in items(out, "patchesStrategicMerge")]
        out["patchesStrategicMerge"] = merged
    if "patchesJson6902" in out:
        entries = mappings(out, "patchesJson6902")
        out["patchesJson6902"] = [{**one, "patch": _text(one.get("patch"))} for one in entries]
    return out


def _text(patch: object) -> str:
    """Flux takes patches as objects, where kustomize takes their text."""
    return patch if isinstance(patch, str) else yaml.safe_dump(patch, sort_keys=False)


def wrapped(folder: str, on_top: Mapping[str, Any]) -> tuple[str, str]:
    """(path, text) of a Kustomization that builds the folder with the settings on top."""
    up = posixpath.join("..", folder) if folder else ".."
    content: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [up],
        **on_top,
    }
    if on_top.get("components"):
        content["components"] = [
            posixpath.normpath(posixpath.join(up, str(c))) for c in items(on_top, "components")
        ]
    text_of = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return f"{FOLDER}/kustomization.yaml", text_of


def says(on_top: Mapping[str, Any]) -> Sequence[str]:
    """The names that the settings give: prefixes and namespaces, which people put environments into."""
    return [text(on_top, key) for key in ("namespace", "namePrefix", "nameSuffix")] + [
        text(image, "newTag") for image in mappings(on_top, "images")
    ]
