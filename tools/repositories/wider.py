"""Makers of repositories in which one deployer hands on to another, or environments stand on each other."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import yaml

from tools.repositories import charted, deployers, fixes, parts
from tools.repositories.model import FIELDS, Draft, Field, Files, Fix, Made, Target, setting

_values = charted.contents
_indented = charted.indented
_made = charted.finished


def inflated(dice: random.Random, envs: list[str]) -> Made:
    """Kustomizations that inflate a chart which lies beside them."""
    draft, asked = Draft(), dice.choice(FIELDS)
    targets = []
    for env in envs:
        folder, how = f"overlays/{env}", dice.choice(("file", "inline", "file and inline"))
        draft.files |= parts.chart(f"{folder}/charts/api")
        said = "helmCharts:\n  - name: api\n    releaseName: api\n    namespace: shop\n"
        known: list[Fix] = []
        if "file" in how:
            draft.add(f"{folder}/values.yaml", _values(dice))
            said += "    valuesFile: values.yaml\n"
            known.append(setting(f"{folder}/values.yaml"))
        if "inline" in how:
            said += "    valuesInline:\n" + _indented(_values(dice), 6)
        inline = setting(f"{folder}/kustomization.yaml", "helmCharts", 0, "valuesInline")
        draft.add(
            f"{folder}/kustomization.yaml",
            f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: shop\n{said}",
        )
        draft.traits.append(how)
        targets.append(
            Target(env, deployers.built(folder), (inline, *known), "Deployment/shop/api")
        )
    return _made("helmCharts", "nobody", draft, targets, dice.choice(envs), asked)


def lent(dice: random.Random, envs: list[str]) -> Made:
    """Applications of several sources, one of which lends the values files."""
    draft, asked = Draft(), dice.choice(FIELDS)
    name = dice.choice(("{{ .Release.Name }}", "{{ .Release.Name }}-{{ .Chart.Name }}"))
    draft.files |= parts.chart("charts/api", name=name)
    common = dice.random() < 0.5
    if common:
        draft.add("values/common.yaml", _values(dice))
        draft.traits.append("common first")
    own_release = dice.random() < 0.4
    targets = []
    for env in envs:
        draft.add(f"values/{env}.yaml", _values(dice))
        names = [*(["common"] if common else []), env]
        listed = "".join(f"          - $values/values/{one}.yaml\n" for one in names)
        release = f"{env}-shop" if own_release else "shop"
        head = parts.application(f"api-{env}", env, "x", f"shop-{env}").partition("  source:")[0]
        draft.add(
            f"argocd/{env}.yaml",
            f"{head}  sources:\n    - repoURL: https://git.example/shop/deploy.git\n      path: charts/api\n"
            f"      targetRevision: main\n      helm:\n        releaseName: {release}\n        valueFiles:\n{listed}"
            "    - repoURL: https://git.example/shop/deploy.git\n      ref: values\n      targetRevision: main\n",
        )
        made = f"{release}-api" if "Chart" in name else release
        known = (setting(f"values/{env}.yaml"), setting("charts/api/values.yaml"))
        render = deployers.argo(f"argocd/{env}.yaml")
        targets.append(Target(env, render, known, f"Deployment/shop-{env}/{made}"))
    draft.traits += ["a name of two words"] if "Chart" in name else []
    return _made("chart", "Argo CD, several sources", draft, targets, dice.choice(envs), asked)


def patched_applications(dice: random.Random, envs: list[str]) -> Made:
    """Applications that overlays make of a base, with values of their own."""
    draft, asked = Draft(), dice.choice(FIELDS)
    draft.files |= parts.chart("charts/api")
    based = _indented(_values(dice), 8)
    helm = f"    helm:\n      releaseName: api\n      valuesObject:\n{based}"
    draft.add("argocd/base/api.yaml", parts.application("api", "some", "charts/api", "shop", helm))
    draft.add("argocd/base/kustomization.yaml", parts.kustomization("api.yaml"))
    targets = []
    for env in envs:
        folder = f"argocd/{env}"
        patch: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "api", "namespace": "argocd"},
            "spec": {"destination": {"name": f"{env}-cluster"}},
        }
        if dice.random() < 0.6:
            values = yaml.safe_load(_values(dice))
            patch["spec"]["source"] = {"helm": {"valuesObject": values}}
            draft.traits.append("patched")
        draft.add(f"{folder}/patch.yaml", yaml.safe_dump(patch, sort_keys=False))
        more = "patches:\n  - path: patch.yaml\n"
        draft.add(f"{folder}/kustomization.yaml", parts.kustomization("../base", more=more))
        known = (setting(f"{folder}/patch.yaml", "spec", "source", "helm", "valuesObject"),)
        render = deployers.applications(folder)
        targets.append(Target(env, render, known, "Deployment/shop/api"))
    return _made("chart", "Argo CD, patched Applications", draft, targets, dice.choice(envs), asked)


def referring(dice: random.Random, envs: list[str]) -> Made:
    """HelmReleases that take values from a ConfigMap that their Kustomization makes of a file."""
    draft, asked = Draft(), dice.choice(FIELDS)
    draft.files |= parts.chart("charts/api")
    targets = []
    for env in envs:
        folder = f"apps/{env}"
        inline = dice.random() < 0.4
        values = "  values:\n" + _indented(_values(dice), 4) if inline else ""
        more = "  valuesFrom:\n    - kind: ConfigMap\n      name: api-values\n"
        draft.add(f"{folder}/release.yaml", parts.helm_release("api", "shop", values, more))
        draft.add(f"{folder}/values.yaml", _values(dice))
        draft.add(
            f"{folder}/kustomization.yaml",
            parts.kustomization(
                "release.yaml",
                more="namespace: shop\nconfigMapGenerator:\n  - name: api-values\n    files:\n      - values.yaml\n"
                "generatorOptions:\n  disableNameSuffixHash: true\n",
            ),
        )
        draft.add(f"clusters/{env}/apps.yaml", parts.flux(f"./{folder}"))
        known = (
            setting(f"{folder}/values.yaml"),
            setting(f"{folder}/release.yaml", "spec", "values"),
        )
        draft.traits.append("and values" if inline else "values of a file")
        render = deployers.flux(f"clusters/{env}/apps.yaml")
        targets.append(Target(env, render, known, "Deployment/shop/api"))
    return _made("HelmRelease with valuesFrom", "Flux", draft, targets, dice.choice(envs), asked)


def stacked(dice: random.Random, envs: list[str]) -> Made:
    """Overlays that are built on the environment before."""
    draft, asked = Draft(), dice.choice(FIELDS)
    installer = dice.choice(("nobody", "Argo CD", "Flux"))
    draft.add("base/api.yaml", parts.deployment("api"))
    draft.add("base/kustomization.yaml", parts.kustomization("api.yaml"))
    below, targets = "../../base", []
    for env in envs:
        folder, more = f"overlays/{env}", f"namespace: shop-{env}\n"
        if dice.random() < 0.5:
            more += "replicas:\n  - name: api\n    count: 3\n"
        draft.add(f"{folder}/kustomization.yaml", parts.kustomization(below, more=more))
        below = f"../{env}"
        render = deployers.built(folder)
        if installer == "Argo CD":
            draft.add(
                f"argocd/{env}.yaml", parts.application(f"api-{env}", env, folder, f"shop-{env}")
            )
            render = deployers.argo(f"argocd/{env}.yaml")
        elif installer == "Flux":
            draft.add(f"clusters/{env}/apps.yaml", parts.flux(f"./{folder}"))
            render = deployers.flux(f"clusters/{env}/apps.yaml")
        known = (
            *fixes.of_overlay(folder, "api"),
            fixes.in_manifest("base/api.yaml", "api"),
        )
        targets.append(Target(env, render, known, f"Deployment/shop-{env}/api"))
    return _made("overlays on overlays", installer, draft, targets, dice.choice(envs), asked)


def substituted(dice: random.Random, envs: list[str]) -> Made:
    """A base with variables that Flux fills in for each environment."""
    draft = Draft()
    asked = dice.choice(FIELDS[:2])
    text = parts.deployment("api").replace("replicas: 2", "replicas: ${REPLICAS}")
    draft.add("apps/api/api.yaml", text.replace("256Mi", "${MEMORY}"))
    draft.add("apps/api/kustomization.yaml", parts.kustomization("api.yaml"))
    targets = []
    for env in envs:
        path = f"clusters/{env}/apps.yaml"
        more = f"  postBuild:\n    substitute:\n      REPLICAS: '{dice.randint(2, 5)}'\n      MEMORY: 300Mi\n"
        draft.add(path, parts.flux("./apps/api", f"  targetNamespace: shop-{env}\n{more}"))
        known = (_variable(path),)
        targets.append(Target(env, deployers.flux(path), known, f"Deployment/shop-{env}/api"))
    return _made("variables", "Flux", draft, targets, dice.choice(envs), asked)


def _variable(path: str) -> Fix:
    def change(files: Files, asked: Field) -> dict[str, str]:
        found = list(yaml.safe_load_all(files[path]))
        filled = found[0]["spec"]["postBuild"]["substitute"]
        filled["REPLICAS" if asked.name == "replicas" else "MEMORY"] = str(asked.value)
        return {path: yaml.safe_dump_all(found, sort_keys=False)}

    return Fix(change, on_top=True)


def two_releases(dice: random.Random, envs: list[str]) -> Made:
    """Two releases of one chart, each with values files of its own or with one of both."""
    draft, asked = Draft(), dice.choice(FIELDS)
    installer = dice.choice(("Argo CD", "script", "helmfile", "script with a variable"))
    name = dice.choice(("{{ .Release.Name }}", "{{ .Release.Name }}-service"))
    draft.files |= parts.chart("charts/service", name=name)
    both = dice.random() < 0.3
    if both:
        draft.add("values/both.yaml", _values(dice))
        draft.traits.append("a file of both")
    called = ("api", dice.choice(("web", "api-admin")))
    targets: list[Target] = []
    for env in envs:
        for release in called:
            own = f"values/{env}/{release}.yaml"
            draft.add(own, _values(dice))
            names = [*(["values/both.yaml"] if both else []), own]
            render = _installed(draft, installer, env, release, names)
            known = (
                *(setting(path) for path in reversed(names)),
                setting("charts/service/values.yaml"),
            )
            live: Mapping[str, str] = (
                {"meta.helm.sh/release-name": release}
                if dice.random() < 0.5 and installer != "Argo CD"
                else {}
            )
            made = name.replace("{{ .Release.Name }}", release)
            targets.append(Target(env, render, known, f"Deployment/shop/{made}", live=live))
    if installer == "helmfile":
        _helmfiles(draft, envs, called, both=both)
    return _made("one chart of two releases", installer, draft, targets, dice.choice(envs), asked)


def _installed(
    draft: Draft, installer: str, env: str, release: str, names: list[str]
) -> deployers.Render:
    if installer == "Argo CD":
        path = f"argocd/{env}/{release}.yaml"
        listed = "".join(f"        - ../../{name}\n" for name in names)
        helm = f"    helm:\n      releaseName: {release}\n      valueFiles:\n{listed}"
        text = parts.application(f"{release}-{env}", env, "charts/service", "shop", helm)
        draft.add(path, text)
        return deployers.argo(path)
    words = " ".join(f"-f {name}" for name in names)
    if installer == "script":
        path = f"deploy-{env}.sh"
        line = f"helm upgrade --install {release} charts/service -n shop {words}\n"
        draft.add(path, draft.files.get(path, "#!/bin/sh\n") + line)
    elif installer == "script with a variable":
        path = f"deploy-{release}.sh"
        line = f"helm upgrade --install {release} charts/service -n shop {words}\n"
        draft.add(path, f"#!/bin/sh\nENV=$1\n{line.replace(f'/{env}/', '/$ENV/')}")
    return deployers.installed("charts/service", release, "shop", *names)


def _helmfiles(draft: Draft, envs: list[str], called: tuple[str, ...], *, both: bool) -> None:
    listed = ""
    for release in called:
        shared = "      - values/both.yaml\n" if both else ""
        own = f"      - values/{{{{ .Environment.Name }}}}/{release}.yaml\n"
        listed += f"  - name: {release}\n    namespace: shop\n    chart: ./charts/service\n    values:\n{shared}{own}"
    named = "".join(f"  {env}: {{}}\n" for env in envs)
    draft.add("helmfile.yaml", f"environments:\n{named}---\nreleases:\n{listed}")
