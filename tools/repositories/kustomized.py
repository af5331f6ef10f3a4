"""Makers of repositories whose layers are Kustomizations, plain folders, or one shared folder."""

from __future__ import annotations

import random

from tools.repositories import deployers, fixes, parts
from tools.repositories.model import FIELDS, IMAGE, LEVEL, Draft, Field, Fix, Made, Target, dumped

_LAYERS = (
    "nothing", "nothing", "patch file", "inline patch", "json patch", "json patch file", "images", "replicas",
    "component", "labels", "prefix", "suffix", "namespace in files",
)  # fmt: skip


def _any(dice: random.Random) -> Field:
    return dice.choice(FIELDS)


def _layer(dice: random.Random, draft: Draft, folder: str, asked: Field) -> tuple[str, str]:
    """(more lines of the overlay, what the workload is called by it)."""
    kind, name = dice.choice(_LAYERS), "api"
    draft.traits.append(kind)
    old = Field(asked.name, asked.path, *_other(asked), asked.keys, asked.set_to)
    if kind == "patch file":
        draft.add(f"{folder}/patch.yaml", dumped([old.patch("api")]))
        return "patches:\n  - path: patch.yaml\n", name
    if kind == "inline patch":
        text = "".join(f"      {line}\n" for line in dumped([old.patch("api")]).splitlines())
        target = "    target:\n      kind: Deployment\n" if dice.random() < 0.5 else ""
        return f"patches:\n  - patch: |-\n{text}{target}", name
    if kind in ("json patch", "json patch file"):
        where = {"replicas": "/spec/replicas", "image": "/spec/template/spec/containers/0/image"}
        at = where.get(asked.name, "/spec/template/spec/containers/0/resources/limits/memory")
        operation = f"- op: replace\n  path: {at}\n  value: {old.value}\n"
        target = "    target:\n      kind: Deployment\n      name: api\n"
        if kind == "json patch file":
            draft.add(f"{folder}/json.yaml", operation)
            return f"patches:\n  - path: json.yaml\n{target}", name
        text = "".join(f"      {line}\n" for line in operation.splitlines())
        return f"patches:\n  - patch: |-\n{text}{target}", name
    if kind == "images":
        return f"images:\n  - name: {IMAGE}\n    newTag: 1.1.0\n", name
    if kind == "replicas":
        return "replicas:\n  - name: api\n    count: 4\n", name
    if kind == "component":
        depth = "../" * (folder.count("/") + 1)
        draft.add(
            "components/big/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n  - path: big.yaml\n",
        )
        draft.add("components/big/big.yaml", dumped([old.patch("api")]))
        return f"components:\n  - {depth}components/big\n", name
    if kind == "labels":
        return "labels:\n  - pairs:\n      team: shop\n", name
    if kind == "prefix":
        return "namePrefix: eu-\n", "eu-api"
    if kind == "suffix":
        return "nameSuffix: -v2\n", "api-v2"
    return "", name


def _other(asked: Field) -> tuple[object]:
    return ({"memory": "384Mi", "replicas": 3, "image": f"{IMAGE}:1.0.5"}[asked.name],)


def overlaid(dice: random.Random, envs: list[str]) -> Made:
    """A base, perhaps one of the regions between, and an overlay for each environment."""
    draft, asked = Draft(), _any(dice)
    installer = dice.choice(
        ("nobody", "Argo CD", "Argo CD set of a list", "Argo CD set of folders", "Flux", "Fleet", "script")
    )  # fmt: skip
    resources = ["api.yaml", "service.yaml"]
    draft.add("base/api.yaml", parts.deployment("api"))
    draft.add("base/service.yaml", parts.service("api"))
    if dice.random() < 0.4:
        draft.add("base/web.yaml", parts.deployment("web"))
        resources.append("web.yaml")
        draft.traits.append("two workloads")
    draft.add("base/kustomization.yaml", parts.kustomization(*resources))
    below = "../../base"
    if dice.random() < 0.2:
        draft.add("regions/eu/kustomization.yaml", parts.kustomization("../../base", more="labels:\n  - pairs:\n      region: eu\n"))  # fmt: skip
        below = "../../regions/eu"
        draft.traits.append("between")
    own_namespaces = dice.random() < 0.3
    named: dict[str, tuple[str, str]] = {}
    for env in envs:
        folder, where = f"overlays/{env}", f"shop-{env}" if own_namespaces else "shop"
        more, name = _layer(dice, draft, folder, asked)
        named[env] = name, where
        text = parts.kustomization(below, more=f"namespace: {where}\n{more}")
        draft.add(f"{folder}/kustomization.yaml", text)
    targets = [_installed_overlay(dice, draft, installer, env, *named[env], envs) for env in envs]
    if installer == "script" and dice.random() < 0.5:
        for env in envs:
            draft.files.pop(f"deploy-{env}.sh")
        words = " ".join(envs)
        draft.add("deploy.sh", f"for env in {words}; do\n  kubectl apply -k overlays/$env\ndone\n")
    return _made("overlays", installer, draft, targets, dice.choice(envs), asked)


def _made(
    layout: str, installer: str, draft: Draft, targets: list[Target], env: str, asked: Field
) -> Made:
    traits = tuple(dict.fromkeys(draft.traits))
    return Made(layout, installer, draft.files, tuple(targets), env, asked, traits)


def _installed_overlay(
    dice: random.Random, draft: Draft, installer: str, env: str, name: str, where: str, envs: list[str]
) -> Target:  # fmt: skip
    folder = f"overlays/{env}"
    known: tuple[Fix, ...] = (
        *fixes.of_overlay(folder, "api"),
        *(fixes.in_manifest(p, "api") for p in (f"{folder}/patch.yaml", "base/api.yaml") if p in draft.files),
    )  # fmt: skip
    object_ = f"Deployment/{where}/{name}"
    if installer == "Argo CD":
        path, on_top = f"argocd/{env}/api.yaml", ""
        if dice.random() < 0.2:
            on_top = f"    kustomize:\n      images:\n        - {IMAGE}:1.2.0\n"
            draft.traits.append("images on top")
        draft.add(path, parts.application(f"api-{env}", env, folder, where, on_top))
        known = (*known, fixes.on_top_of_argo(path, "api"))
        return Target(env, deployers.argo(path), known, object_)
    if installer == "Argo CD set of a list":
        elements = "".join(f"            - env: {one}\n" for one in envs)
        text = parts.application_set(
            f"    - list:\n          elements:\n{elements}", "api-{{env}}", "overlays/{{env}}", "shop"
        )  # fmt: skip
        draft.add("argocd/set.yaml", text)
        return Target(env, deployers.argo("argocd/set.yaml", f"api-{env}"), known, object_)
    if installer == "Argo CD set of folders":
        text = parts.application_set(
            "    - git:\n        repoURL: https://git.example/shop/deploy.git\n        revision: main\n"
            "        directories:\n          - path: overlays/*\n",
            "api-{{path.basename}}", "{{path}}", "shop",
        )  # fmt: skip
        draft.add("argocd/set.yaml", text)
        return Target(env, deployers.argo("argocd/set.yaml", f"api-{env}"), known, object_)
    if installer == "Flux":
        path, on_top = f"clusters/{env}/apps.yaml", ""
        if dice.random() < 0.2:
            on_top = "  patches:\n    - target:\n        kind: Deployment\n        name: api\n      patch: |\n        - op: replace\n          path: /spec/replicas\n          value: 6\n"
            draft.traits.append("patch on top")
        draft.add(path, parts.flux(f"./{folder}", on_top))
        known = (*known, fixes.on_top_of_flux(path, "api"))
        return Target(env, deployers.flux(path), known, object_)
    if installer == "Fleet":
        targets = "".join(
            f"  - name: {one}\n    clusterSelector:\n      matchLabels:\n        env: {one}\n    kustomize:\n      dir: overlays/{one}\n"
            for one in envs
        )
        draft.add("fleet.yaml", f"defaultNamespace: shop\ntargetCustomizations:\n{targets}")
        return Target(env, deployers.fleet("", env), known, object_)  # fmt: skip
    if installer == "script":
        draft.add(f"deploy-{env}.sh", f"#!/bin/sh\nkubectl apply -k overlays/{env}\n")
    return Target(env, deployers.built(folder), known, object_)


def shared(dice: random.Random, envs: list[str]) -> Made:
    """One folder that several environments install, or only one of them."""
    draft, asked = Draft(), _any(dice)
    kustomize = dice.random() < 0.5
    draft.add("apps/api/api.yaml", parts.deployment("api"))
    if kustomize:
        draft.add("apps/api/kustomization.yaml", parts.kustomization("api.yaml"))
    installer = dice.choice(("Argo CD", "Flux", "script", "mixed"))
    there = envs[: dice.randint(1, len(envs))]
    targets = []
    for env in there:
        how = dice.choice(("Argo CD", "Flux", "script")) if installer == "mixed" else installer
        known: list[Fix] = [fixes.in_manifest("apps/api/api.yaml", "api")]
        if how == "Argo CD":
            path = f"argocd/{env}.yaml"
            draft.add(path, parts.application(f"api-{env}", env, "apps/api", "shop"))
            known += [fixes.on_top_of_argo(path, "api")] if kustomize else []
            render = deployers.argo(path)
        elif how == "Flux":
            path = f"clusters/{env}/apps.yaml"
            draft.add(path, parts.flux("./apps/api"))
            known += [fixes.on_top_of_flux(path, "api")] if kustomize else []
            render = deployers.flux(path)
        else:
            words = "-k apps/api" if kustomize else "-f apps/api"
            draft.add(f"deploy-{env}.sh", f"#!/bin/sh\nkubectl --context {env} apply -n shop {words}\n")  # fmt: skip
            render = deployers.built("apps/api") if kustomize else deployers.applied("apps/api/api.yaml")  # fmt: skip
        targets.append(Target(env, render, tuple(known), "Deployment/shop/api"))
    draft.traits.append(f"{len(there)} environments")
    return _made("one folder", installer, draft, targets, dice.choice(there), asked)


def foldered(dice: random.Random, envs: list[str]) -> Made:
    """Plain manifests in a folder for each environment."""
    draft, asked = Draft(), _any(dice)
    installer = dice.choice(("nobody", "Argo CD", "Flux", "script"))
    top = dice.choice(("envs", "k8s", "clusters/apps"))
    targets = []
    for number, env in enumerate(envs):
        folder = f"{top}/{env}/shop"
        path = f"{folder}/api.yaml"
        text = parts.deployment("api", number + 2, f"{256 + number * 64}Mi", "shop")
        if dice.random() < 0.3:
            text += "---\n" + parts.service("api")
        draft.add(path, text)
        render = deployers.applied(path)
        if installer == "Argo CD":
            draft.add(f"argocd/{env}.yaml", parts.application(f"api-{env}", env, folder, "shop"))
            render = deployers.argo(f"argocd/{env}.yaml")
        elif installer == "Flux":
            draft.add(f"flux/{env}/apps.yaml", parts.flux(f"./{folder}"))
            render = deployers.flux(f"flux/{env}/apps.yaml")
        elif installer == "script":
            draft.add(f"deploy-{env}.sh", f"kubectl --context {env} apply -f {folder}\n")
        known = (fixes.in_manifest(path, "api"),)
        targets.append(Target(env, render, known, "Deployment/shop/api"))
    return _made("plain folders", installer, draft, targets, dice.choice(envs), asked)


def generated(dice: random.Random, envs: list[str]) -> Made:
    """A ConfigMap that a base generates and overlays merge into, or that each overlay makes."""
    draft = Draft()
    installer = dice.choice(("nobody", "Argo CD", "Flux"))
    based = dice.random() < 0.5
    workload = parts.deployment("api").replace(
        "          resources:", "          envFrom:\n            - configMapRef:\n                name: settings\n          resources:"
    )  # fmt: skip
    draft.add("base/api.yaml", workload)
    made = "configMapGenerator:\n  - name: settings\n    literals:\n      - LEVEL=info\n      - PORT=80\n"
    draft.add("base/kustomization.yaml", parts.kustomization("api.yaml", more=made if based else ""))  # fmt: skip
    targets = []
    for env in envs:
        folder = f"overlays/{env}"
        more = f"namespace: shop-{env}\n"
        file = dice.random() < 0.4
        own = not based or dice.random() < 0.5
        behavior = "    behavior: merge\n" if based else ""
        if own and file:
            draft.add(f"{folder}/settings.env", "# of the environment\nLEVEL=warn\n")
            more += f"configMapGenerator:\n  - name: settings\n{behavior}    envs:\n      - settings.env\n"
        elif own:
            more += f"configMapGenerator:\n  - name: settings\n{behavior}    literals:\n      - LEVEL=warn\n"
        draft.traits.append("merged" if based and own else "of the base" if based else "own")
        draft.add(f"{folder}/kustomization.yaml", parts.kustomization("../../base", more=more))
        render = deployers.built(folder)
        if installer == "Argo CD":
            path = f"argocd/{env}.yaml"
            draft.add(path, parts.application(f"api-{env}", env, folder, f"shop-{env}"))
            render = deployers.argo(path)
        elif installer == "Flux":
            draft.add(f"clusters/{env}/apps.yaml", parts.flux(f"./{folder}"))
            render = deployers.flux(f"clusters/{env}/apps.yaml")
        known = (fixes.env_line(f"{folder}/settings.env"), fixes.literal(folder, "settings"))
        targets.append(Target(env, render, known, f"ConfigMap/shop-{env}/settings", ("settings",)))
    return _made("generated ConfigMap", installer, draft, targets, dice.choice(envs), LEVEL)
