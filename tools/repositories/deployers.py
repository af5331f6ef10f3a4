"""What deployers render, read from the files as they are: Argo CD, Flux, Fleet, helmfile. Written for the judge alone."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from tools.repositories.judge import Real
from tools.repositories.model import Files, documents

Render = Callable[[Real, Files], str]


def built(folder: str) -> Render:
    """``kubectl apply -k``."""
    return lambda real, files: real.build(files, folder)


def applied(*paths: str) -> Render:
    """``kubectl apply -f``."""
    return lambda _, files: "\n---\n".join(files[path] for path in paths)


def installed(chart: str, release: str, namespace: str, *names: str) -> Render:
    """``helm upgrade -f … -f …``."""
    return lambda real, files: real.template(
        files, chart, release, namespace, [files[name] for name in names]
    )


def _one(files: Files, path: str, name: str = "") -> dict[str, Any]:
    found: list[dict[str, Any]] = documents(files[path])
    return next(one for one in found if not name or one["metadata"]["name"] == name)


def argo(path: str, name: str = "") -> Render:
    """The Application of a file, or what its ApplicationSet makes of the element called ``name``."""

    def render(real: Real, files: Files) -> str:
        found = _one(files, path)
        if found["kind"] == "ApplicationSet":
            found = next(one for one in _of_set(files, found) if one["metadata"]["name"] == name)
        return _of_application(real, files, found)

    return render


def applications(folder: str) -> Render:
    """The Applications that a folder builds."""

    def render(real: Real, files: Files) -> str:
        found = [
            one for one in documents(real.build(files, folder)) if one["kind"] == "Application"
        ]
        return "\n---\n".join(_of_application(real, files, one) for one in found)

    return render


def _of_application(real: Real, files: Files, found: dict[str, Any]) -> str:
    spec = found["spec"]
    source, where = spec.get("source") or spec["sources"][0], spec["destination"]["namespace"]
    folder = source["path"]
    if f"{folder}/Chart.yaml" in files:
        release = source.get("helm", {}).get("releaseName", found["metadata"]["name"])
        values = list(_argo_values(files, folder, source.get("helm", {})))
        return real.template(files, folder, release, where, values)
    if f"{folder}/kustomization.yaml" in files:
        return real.build(files, folder, _argo_settings(source.get("kustomize", {})))
    inside = [p for p in sorted(files) if posixpath.dirname(p) == folder]
    return "\n---\n".join(files[p] for p in inside)


def _of_set(files: Files, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    text = yaml.safe_dump(found["spec"]["template"])
    for generator in found["spec"]["generators"]:
        elements = generator.get("list", {}).get("elements", [])
        if "git" in generator:
            shape = generator["git"]["directories"][0]["path"].replace("*", "[^/]+")
            folders = {posixpath.dirname(p) for p in files}
            matching = sorted(f for f in folders if re.fullmatch(shape, f))
            elements = [{"path": f, "path.basename": posixpath.basename(f)} for f in matching]
        for element in elements:
            one = text
            for key, value in element.items():
                one = one.replace("{{" + key + "}}", str(value))
            yield {"kind": "Application", **yaml.safe_load(one)}


def _argo_settings(said: dict[str, Any]) -> dict[str, Any]:
    on_top = {key: said[key] for key in ("patches", "replicas", "namePrefix") if key in said}
    if said.get("images"):
        split = [str(one).rpartition(":") for one in said["images"]]
        on_top["images"] = [{"name": name, "newTag": tag} for name, _, tag in split]
    return on_top


def _argo_values(files: Files, folder: str, helm: dict[str, Any]) -> Iterator[str]:
    for name in helm.get("valueFiles", []):
        if name.startswith("$values/"):
            yield files[name.removeprefix("$values/")]
            continue
        yield files[posixpath.normpath(posixpath.join(folder, name))]
    if helm.get("values"):
        yield helm["values"]
    if helm.get("valuesObject"):
        yield yaml.safe_dump(helm["valuesObject"])
    for parameter in helm.get("parameters", []):
        node: Any = yaml.safe_load(str(parameter["value"]))
        node = str(parameter["value"]) if parameter.get("forceString") else node
        for key in reversed(parameter["name"].split(".")):
            node = {key: node}
        yield yaml.safe_dump(node)


def flux(path: str) -> Render:
    """A Flux Kustomization: what it builds, with HelmReleases of charts of this repository rendered."""

    def render(real: Real, files: Files) -> str:
        spec = _one(files, path)["spec"]
        folder = spec["path"].removeprefix("./")
        on_top = {key: spec[key] for key in ("patches", "images", "namePrefix") if key in spec}
        if "targetNamespace" in spec:
            on_top["namespace"] = spec["targetNamespace"]
        if f"{folder}/kustomization.yaml" in files:
            text = real.build(files, folder, on_top)
        else:
            text = "\n---\n".join(files[p] for p in sorted(files) if posixpath.dirname(p) == folder)
        for key, value in spec.get("postBuild", {}).get("substitute", {}).items():
            text = text.replace("${" + key + "}", str(value))
        found = documents(text)
        return "\n---\n".join(_released(real, files, one, found) for one in found)

    return render


def _released(real: Real, files: Files, one: dict[str, Any], beside: list[dict[str, Any]]) -> str:
    if one["kind"] != "HelmRelease":
        # What a ConfigMap hands to a release is seen in what that makes.
        return "" if one["metadata"]["name"] == "api-values" else yaml.safe_dump(one)
    spec, metadata = one["spec"], one["metadata"]
    where = spec.get("targetNamespace") or metadata.get("namespace", "default")
    inside = spec["chart"]["spec"]
    named = [files[name.removeprefix("./")] for name in inside.get("valuesFiles", [])]
    lent = [
        item["data"][entry.get("valuesKey", "values.yaml")]
        for entry in spec.get("valuesFrom", [])
        for item in beside
        if (item["kind"], item["metadata"]["name"]) == (entry["kind"], entry["name"])
    ]
    values = [*named, *lent, yaml.safe_dump(spec.get("values", {}))]
    release = spec.get("releaseName", metadata["name"])
    return real.template(files, inside["chart"].removeprefix("./"), release, where, values)


def fleet(folder: str, target: str) -> Render:
    """A target of a fleet.yaml, as its first customization that is called so says."""

    def render(real: Real, files: Files) -> str:
        said = documents(files[posixpath.join(folder, "fleet.yaml")])[0]
        mine = next(t for t in said["targetCustomizations"] if t["name"] == target)
        overlay = mine.get("kustomize", {}).get("dir")
        if overlay:
            return real.build(files, posixpath.normpath(posixpath.join(folder, overlay)))
        values = []
        for helm in (said["helm"], mine.get("helm", {})):
            names = helm.get("valuesFiles", [])
            values += [files[posixpath.normpath(posixpath.join(folder, n))] for n in names]
            if helm.get("values"):
                values.append(yaml.safe_dump(helm["values"]))
        chart = posixpath.normpath(posixpath.join(folder, said["helm"]["chart"]))
        return real.template(files, chart, said["helm"]["releaseName"], said["namespace"], values)

    return render


def helmfile(path: str, env: str) -> Render:
    """The releases of a helmfile in an environment."""

    def render(real: Real, files: Files) -> str:
        text = files[path].replace("{{ .Environment.Name }}", env)
        folder = posixpath.dirname(path)
        said = next(one for one in documents(text) if "releases" in one)
        texts = []
        for release in said["releases"]:
            values = [
                yaml.safe_dump(one)
                if isinstance(one, dict)
                else files[posixpath.normpath(posixpath.join(folder, one))]
                for one in release.get("values", [])
            ]
            chart = posixpath.normpath(posixpath.join(folder, release["chart"]))
            texts.append(real.template(files, chart, release["name"], release["namespace"], values))
        return "\n---\n".join(texts)

    return render
