"""Makers of repositories in which a deployer fills values in: helmfile from its own values, pipelines from variables."""

from __future__ import annotations

import random
import re
from typing import Any

import yaml

from tools.repositories import charted, deployers, parts
from tools.repositories.judge import Real
from tools.repositories.model import FIELDS, Draft, Files, Made, Target, documents, setting

_TEMPLATE = """\
replicaCount: {{ .Values.replicaCount }}
image:
  tag: {{ .Values.image.tag | quote }}
resources:
  limits:
    memory: {{ .Values.resources.limits.memory }}
"""
_ALL = "replicaCount: {count}\nimage:\n  tag: '1.{count}.0'\nresources:\n  limits:\n    memory: {memory}Mi\n"
_HOLE = re.compile(r"\{\{ \.Values\.([\w.]+)( \| quote)? \}\}")
_CHART, _LINE = "charts/api", "helm upgrade --install"


def own_values(dice: random.Random, envs: list[str]) -> Made:
    """A helmfile that makes a release's values of its own, of all environments and of each."""
    draft, asked = Draft(), dice.choice(FIELDS)
    draft.files |= parts.chart(_CHART)
    inside = dice.random() < 0.4
    based = dice.random() < 0.3
    second = dice.random() < 0.2
    draft.traits += ["inline"] * inside + ["base"] * based + ["a second release"] * second
    draft.add("envs/common.yaml", _everything(dice))
    listed = ""
    for env in envs:
        draft.add(f"envs/{env}.yaml", dice.choice((charted.contents(dice), _everything(dice))))
        listed += f"  {env}:\n    values:\n      - envs/common.yaml\n      - envs/{env}.yaml\n"
    if not inside:
        draft.add("values/api.yaml.gotmpl", _TEMPLATE)
    body = "      - values/api.yaml.gotmpl\n"
    if inside:
        first, *rest = _TEMPLATE.splitlines()
        body = f"      - {first}\n" + charted.indented("\n".join(rest), 8)
    release = "  - name: {name}\n    namespace: shop\n    chart: ./charts/api\n    values:\n" + body
    names = ("api", "web") if second else ("api",)
    releases = "releases:\n" + "".join(release.replace("{name}", name) for name in names)
    head = f"environments:\n{listed}"
    if based:
        draft.add("environments.yaml", head)
        head = "bases:\n  - environments.yaml\n"
    draft.add("helmfile.yaml.gotmpl" if inside else "helmfile.yaml", f"{head}---\n{releases}")
    targets = []
    for env in envs:
        known = (setting(f"envs/{env}.yaml"), setting("envs/common.yaml"))
        targets.append(Target(env, _rendered(env, names), known, "Deployment/shop/api"))
    return charted.finished(
        "chart of its own values", "helmfile", draft, targets, dice.choice(envs), asked
    )


def _everything(dice: random.Random) -> str:
    return _ALL.format(count=dice.randint(2, 5), memory=dice.choice((256, 512, 640)))


def _rendered(env: str, names: tuple[str, ...]) -> deployers.Render:
    def render(real: Real, files: Files) -> str:
        values: Any = {}
        for name in ("common", env):
            for found in documents(files[f"envs/{name}.yaml"]):
                values = _over(values, found)

        def one(hole: Any) -> str:
            node = values
            for key in hole[1].split("."):
                node = node[key]
            return f'"{node}"' if hole[2] else str(node)

        text = _HOLE.sub(one, _TEMPLATE)
        return "\n---\n".join(real.template(files, _CHART, name, "shop", [text]) for name in names)

    return render


def _over(low: Any, high: Any) -> Any:
    if not (isinstance(low, dict) and isinstance(high, dict)):
        return high
    return {**low, **{key: _over(low.get(key), value) for key, value in high.items()}}


def piped(dice: random.Random, envs: list[str]) -> Made:
    """A pipeline whose jobs install a chart with files that their variables name."""
    draft, asked = Draft(), dice.choice(FIELDS)
    draft.files |= parts.chart(_CHART)
    common = dice.random() < 0.5
    if common:
        draft.add("envs/common.yaml", charted.contents(dice))
    how = dice.choice(("jobs", "matrix", "loop", "environment", "template"))
    draft.traits += ["common"] * common + [how]
    own_space = how in ("jobs", "environment") and dice.random() < 0.5
    words = ("-f envs/common.yaml " if common else "") + "-f envs/$ENV.yaml"
    line = f"{_LINE} api {_CHART} -n {'shop-$ENV' if own_space else 'shop'} {words}"
    said: dict[str, Any] = {}
    if how == "matrix":
        said["deploy"] = {"parallel": {"matrix": [{"ENV": envs}]}, "script": [line]}
    elif how == "loop":
        loop = f"for env in {' '.join(envs)}; do\n  {line.replace('$ENV', '$env')}\ndone\n"
        said["deploy"] = {"script": [loop]}
    elif how == "template":
        said[".deploy"] = {"script": ["helm version", line]}
    for env in envs:
        if how == "jobs":
            said[f"deploy-{env}"] = {"variables": {"ENV": env}, "script": [line]}
        elif how == "environment":
            job = line.replace("$ENV", "$CI_ENVIRONMENT_NAME")
            said[f"deploy-{env}"] = {"environment": {"name": env}, "script": [job]}
        elif how == "template":
            said[f"deploy-{env}"] = {"extends": ".deploy", "variables": {"ENV": env}}
        draft.add(f"envs/{env}.yaml", charted.contents(dice))
    draft.add(".gitlab-ci.yml", yaml.safe_dump(said, sort_keys=False, width=1000))
    targets = []
    for env in envs:
        where = f"shop-{env}" if own_space else "shop"
        names = [*(["envs/common.yaml"] if common else []), f"envs/{env}.yaml"]
        render = deployers.installed(_CHART, "api", where, *names)
        known = (*(setting(name) for name in reversed(names)), setting(f"{_CHART}/values.yaml"))
        targets.append(Target(env, render, known, f"Deployment/{where}/api"))
    return charted.finished("chart", "pipeline", draft, targets, dice.choice(envs), asked)
