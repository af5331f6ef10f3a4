"""Makers of repositories whose layers are values of charts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import yaml

from tools.repositories import deployers, fixes, parts
from tools.repositories.model import FIELDS, Draft, Field, Fix, Made, Target, setting

_CONTENTS = (
    {},
    {"resources": {"limits": {"memory": "512Mi"}}},
    {"replicaCount": 4},
    {"image": {"tag": "1.1.0"}},
    {"replicaCount": 3, "image": {"tag": "1.2.0"}, "resources": {"limits": {"memory": "640Mi"}}},
)


def contents(dice: random.Random, under: str = "") -> str:
    """A values file of little or nothing."""
    found: Any = dice.choice(_CONTENTS)
    return str(yaml.safe_dump({under: found} if under else found, sort_keys=False))


def indented(text: str, by: int) -> str:
    """A text further to the right."""
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def finished(
    layout: str, installer: str, draft: Draft, targets: list[Target], env: str, asked: Field
) -> Made:
    """The repository of a draft."""
    traits = tuple(dict.fromkeys(draft.traits))
    return Made(layout, installer, draft.files, tuple(targets), env, asked, traits)


def charted(dice: random.Random, envs: list[str]) -> Made:
    """A chart and values files: of all, and of each environment."""
    draft, asked = Draft(), dice.choice(FIELDS)
    installer = dice.choice(tuple(_INSTALLERS))
    draft.files |= parts.chart("charts/api")
    return _layered(dice, draft, "chart", installer, asked, envs)


def umbrella(dice: random.Random, envs: list[str]) -> Made:
    """A chart that brings the workload's chart along, by a folder below it or by ``file://``, perhaps under an alias."""
    draft, asked = Draft(), dice.choice(FIELDS)
    installer = dice.choice(("Argo CD", "script", "helmfile"))
    alias = dice.choice(("", "backend"))
    inside = "charts/api/charts/web" if dice.random() < 0.5 else "library/web"
    called = f"    alias: {alias}\n" if alias else ""
    where = "" if inside.startswith("charts/") else "file://../../library/web"
    more = f"dependencies:\n  - name: web\n    version: 0.1.0\n    repository: '{where}'\n{called}"
    draft.add("charts/api/Chart.yaml", f"apiVersion: v2\nname: api\nversion: 0.1.0\n{more}")
    draft.add("charts/api/values.yaml", "{}\n")
    draft.files |= parts.chart(inside)
    draft.traits.append("alias" if alias else "by its name")
    draft.traits.append("below" if not where else "beside")
    keyed = Field(asked.name, asked.path, asked.value, (alias or "web", *asked.keys), asked.set_to)
    return _layered(
        dice, draft, "umbrella chart", installer, keyed, envs, alias or "web", where != ""
    )


def _layered(
    dice: random.Random,
    draft: Draft,
    layout: str,
    installer: str,
    asked: Field,
    envs: list[str],
    under: str = "",
    beside: bool = False,
) -> Made:
    common = dice.choice(("none", "none", "first", "last"))
    if common != "none":
        draft.add("envs/common.yaml", contents(dice, under))
        draft.traits.append(f"common {common}")
    orders: dict[str, list[str]] = {}
    one_file = dice.random() < 0.15
    for env in envs:
        own = "envs/shared.yaml" if one_file else f"envs/{env}.yaml"
        if own not in draft.files:
            draft.add(own, contents(dice, under))
        orders[env] = {"none": [own], "first": ["envs/common.yaml", own], "last": [own, "envs/common.yaml"]}[common]  # fmt: skip
    if one_file:
        draft.traits.append("one file of all")
    release = dice.choice(("api", "api", "shop"))
    told = dice.random() < 0.5 or (installer == "nobody" and release != "api")
    targets = []
    for env in envs:
        where = "shop"
        render, more = _INSTALLERS[installer](dice, draft, env, orders, release, under)
        render = _with_dependencies(render) if beside else render
        known = (*more, *(setting(path) for path in reversed(orders[env])))
        known = (*known, setting("charts/api/values.yaml"))
        live = {}
        if installer in ("nobody", "script", "helmfile", "Fleet") and told:
            live = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": where}
        targets.append(Target(env, render, known, f"Deployment/{where}/{release}", live=live))
    return finished(layout, installer, draft, targets, dice.choice(envs), asked)


def _with_dependencies(render: deployers.Render) -> deployers.Render:
    """As after ``helm dependency build``."""

    def built(real: Any, files: Any) -> str:
        copied = {
            path.replace("library/web", "charts/api/charts/web", 1): text
            for path, text in files.items()
            if path.startswith("library/web/")
        }
        return render(real, {**files, **copied})

    return built


Made_ = tuple[deployers.Render, tuple[Fix, ...]]


def _argo(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    path = f"argocd/{env}/api.yaml"
    listed = "".join(f"        - ../../{name}\n" for name in orders[env])
    helm = f"    helm:\n      releaseName: {release}\n      valueFiles:\n{listed}"
    known: list[Fix] = []
    how = dice.choice(("files", "files", "valuesObject", "values", "parameters"))
    draft.traits.append(how)
    if how == "valuesObject":
        helm += "      valuesObject:\n" + indented(contents(dice, under), 8)
    elif how == "values":
        helm += "      values: |\n" + indented(contents(dice, under), 8)
    elif how == "parameters":
        name = f"{under}.replicaCount" if under else "replicaCount"
        helm += f"      parameters:\n        - name: {name}\n          value: '3'\n"
    draft.add(path, parts.application(f"api-{env}", env, "charts/api", "shop", helm))
    if how == "valuesObject":
        known.append(setting(path, "spec", "source", "helm", "valuesObject"))
    elif how == "values":
        known.append(_in_text(path))
    known.append(fixes.parameter(path))
    return deployers.argo(path), tuple(known)


def _in_text(path: str) -> Fix:
    """A value in an Application's ``values`` text."""

    def change(files: Any, asked: Field) -> dict[str, str]:
        found = list(yaml.safe_load_all(files[path]))
        helm = found[0]["spec"]["source"]["helm"]
        values = yaml.safe_load(helm["values"]) or {}
        node = values
        for key in asked.keys[:-1]:
            node = node.setdefault(key, {})
        node[asked.keys[-1]] = asked.set_to
        helm["values"] = yaml.safe_dump(values, sort_keys=False)
        return {path: yaml.safe_dump_all(found, sort_keys=False)}

    return Fix(change)


def _set(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    elements = "".join(f"            - env: {one}\n" for one in orders)
    listed = "".join(
        f"            - ../../{name}\n".replace(env, "{{env}}") for name in orders[env]
    )
    helm = f"        helm:\n          releaseName: {release}\n          valueFiles:\n{listed}"
    text = parts.application_set(f"    - list:\n          elements:\n{elements}", "api-{{env}}", "charts/api", "shop", helm)  # fmt: skip
    draft.add("argocd/set.yaml", text)
    return deployers.argo("argocd/set.yaml", f"api-{env}"), ()


def _script(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    words = " ".join(f"-f {name}" for name in orders[env])
    line = f"helm upgrade --install {release} charts/api -n shop {words}\n"
    draft.add(f"deploy-{env}.sh", f"#!/bin/sh\n{line}")
    return deployers.installed("charts/api", release, "shop", *orders[env]), ()


def _nobody(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    """A pipeline elsewhere takes the environment's file from the chart's folder."""
    own = f"charts/api/values-{env}.yaml"
    draft.add(own, contents(dice, under))
    for name in list(draft.files):
        if name.startswith("envs/"):
            draft.files.pop(name)
    orders[env] = [own]
    return deployers.installed("charts/api", release, "shop", own), ()


def _helmfile(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    listed = "".join(
        f"      - {name}\n".replace(env, "{{ .Environment.Name }}") for name in orders[env]
    )
    inline = "      - replicaCount: 3\n" if not under and _same(orders, draft) else ""
    draft.add(
        "helmfile.yaml",
        f"environments:\n{''.join(f'  {one}: {{}}' + chr(10) for one in orders)}---\nreleases:\n  - name: {release}\n    namespace: shop\n"
        f"    chart: ./charts/api\n    values:\n{inline}{listed}",
    )
    return deployers.helmfile("helmfile.yaml", env), ()


def _same(orders: dict[str, list[str]], draft: Draft) -> bool:
    return len(draft.traits) % 2 == 0


def _fleet(
    dice: random.Random, draft: Draft, env: str, orders: dict[str, list[str]], release: str, under: str
) -> Made_:  # fmt: skip
    targets = ""
    for one, names in orders.items():
        listed = "".join(f"        - ../../{name}\n" for name in names)
        targets += f"  - name: {one}\n    clusterSelector:\n      matchLabels:\n        env: {one}\n    helm:\n      valuesFiles:\n{listed}"
    draft.add(
        "fleet/api/fleet.yaml",
        f"namespace: shop\nhelm:\n  releaseName: {release}\n  chart: ../../charts/api\ntargetCustomizations:\n{targets}",
    )
    return deployers.fleet("fleet/api", env), ()


_INSTALLERS: dict[str, Callable[..., Made_]] = {
    "Argo CD": _argo,
    "Argo CD set of a list": _set,
    "script": _script,
    "nobody": _nobody,
    "helmfile": _helmfile,
    "Fleet": _fleet,
}


def released(dice: random.Random, envs: list[str]) -> Made:
    """HelmReleases of Flux: one for each environment, or a base that overlays patch."""
    draft, asked = Draft(), dice.choice(FIELDS)
    draft.files |= parts.chart("charts/api")
    based = dice.random() < 0.6
    name = dice.choice(("api", "shop-api"))
    if based:
        values = "  values:\n" + indented(contents(dice), 4)
        draft.add("apps/base/release.yaml", parts.helm_release(name, "shop", values))
        draft.add("apps/base/kustomization.yaml", parts.kustomization("release.yaml"))
    targets = []
    for env in envs:
        folder = f"apps/{env}"
        known: list[Fix] = []
        if based:
            more = ""
            if dice.random() < 0.6:
                patch = parts.helm_release(name, "shop", "  values:\n" + indented(contents(dice), 4))  # fmt: skip
                head, _, tail = patch.partition("spec:\n")
                draft.add(f"{folder}/release.yaml", head + "spec:\n  values:\n" + tail.partition("  values:\n")[2])  # fmt: skip
                more = "patches:\n  - path: release.yaml\n"
                known.append(setting(f"{folder}/release.yaml", "spec", "values"))
                draft.traits.append("patched")
            draft.add(f"{folder}/kustomization.yaml", parts.kustomization("../base", more=more))
            known.append(fixes.of_release_patch(folder, name))
        else:
            values = "  values:\n" + indented(contents(dice), 4)
            files = ""
            if dice.random() < 0.3:
                draft.add(f"envs/{env}.yaml", contents(dice))
                draft.traits.append("valuesFiles")
                files = f"      valuesFiles:\n        - charts/api/values.yaml\n        - envs/{env}.yaml\n"
            text = parts.helm_release(name, "shop", values).replace("      sourceRef:\n", f"{files}      sourceRef:\n")  # fmt: skip
            draft.add(f"{folder}/release.yaml", text)
            if dice.random() < 0.5:
                draft.add(f"{folder}/kustomization.yaml", parts.kustomization("release.yaml"))
            known.append(setting(f"{folder}/release.yaml", "spec", "values"))
        draft.add(f"clusters/{env}/apps.yaml", parts.flux(f"./{folder}"))
        render = deployers.flux(f"clusters/{env}/apps.yaml")
        targets.append(Target(env, render, tuple(known), f"Deployment/shop/{name}"))
    layout = "HelmRelease base and patches" if based else "HelmRelease for each"
    return finished(layout, "Flux", draft, targets, dice.choice(envs), asked)
