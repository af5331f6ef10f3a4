"""Repositories in which an edit easily reaches the wrong place, each with everything that installs it.

A ``Repo`` says its files, what deploys them (as a person would render it, per environment), and what is asked. The
judge renders all of it before and after with the real programs and knows nothing of K-Fix.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from kfix.infra.clients.renderers import Programs
from tools.repositories import parts

MEMORY = "spec.template.spec.containers[name=api].resources.limits.memory"
IMAGE = "spec.template.spec.containers[name=api].image"
K = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_SEGMENT = re.compile(r"\[name=([^\]]+)\]|([^.\[\]]+)")


@dataclass(frozen=True)
class Deploy:
    """What one environment gets: a command's output, or files as they are."""

    env: str
    how: Literal["kustomize", "helm", "files"]
    what: str
    release: str = "api"
    namespace: str = "shop"
    values: tuple[str, ...] = ()
    #: Files that the deployer adds before it renders.
    adds: Mapping[str, str] = field(default_factory=dict)
    #: Patches that the deployer lays on top (``file#way``): they are added to ``what``'s kustomization file.
    lays: str = ""
    #: Variables that the deployer fills into the output (``file#way``).
    fills: str = ""
    #: ``source -> target``: folders copied as ``helm dependency build`` does.
    copies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """``wanted``: ``refused`` where no edit is right, ``right`` where one has to be made, ``either`` otherwise."""

    env: str
    wanted: Literal["refused", "right", "either"] = "either"
    path: str = MEMORY
    value: object = "777Mi"
    object: str = "Deployment/shop/api"


@dataclass(frozen=True)
class Repo:
    """One repository."""

    name: str
    files: Mapping[str, str]
    deploys: Sequence[Deploy]
    asks: Sequence[Ask]


def deployment(
    name: str = "api", namespace: str = "", memory: str = "256Mi", count: int = 2
) -> str:
    """A workload."""
    where = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}{where}}}\nspec:\n  replicas: {count}\n"
        f"  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n"
        f"    spec:\n      containers:\n        - name: api\n          image: registry.example/{name}:1.0.0\n"
        f"          resources:\n            limits:\n              memory: {memory}\n"
    )


def build(*resources: str, more: str = "") -> str:
    """A kustomization file."""
    return K + f"resources: [{', '.join(resources)}]\n{more}"


def overlays(*envs: str, more: Mapping[str, str] | None = None, base: str = "") -> dict[str, str]:
    """A base and an overlay for each environment."""
    found = {"base/api.yaml": base or deployment(), "base/kustomization.yaml": build("api.yaml")}
    for env in envs:
        extra = "namespace: shop\n" + (more or {}).get(env, "")
        found[f"overlays/{env}/kustomization.yaml"] = build("../../base", more=extra)
    return found


def built(*envs: str) -> list[Deploy]:
    """Those overlays as they are deployed."""
    return [Deploy(env, "kustomize", f"overlays/{env}") for env in envs]


VALUES = "replicaCount: 2\nimage: {repository: registry.example/api, tag: 1.0.0}\nresources:\n  limits:\n    memory: 256Mi\n"
TEMPLATE = parts.template()
PROD = "resources:\n  limits:\n    memory: 512Mi\n"


def chart(
    folder: str = "charts/api", values: str = VALUES, template: str = TEMPLATE, more: str = ""
) -> dict[str, str]:
    """A chart of one workload."""
    return {
        f"{folder}/Chart.yaml": f"apiVersion: v2\nname: {folder.rpartition('/')[2]}\nversion: 0.1.0\n{more}",
        f"{folder}/values.yaml": values,
        f"{folder}/templates/deployment.yaml": template,
    }


def application(
    env: str, path: str, more: str = "", name: str = "api", namespace: str = "shop"
) -> str:
    """An Argo CD Application in a cluster of its environment."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n"
        f"  project: default\n  destination: {{name: {env}-cluster, namespace: {namespace}}}\n"
        f"  source:\n    repoURL: https://git.example/shop/deploy.git\n    path: {path}\n    targetRevision: main\n{more}"
    )


def flux(path: str, more: str = "") -> str:
    """A Flux Kustomization."""
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n"
        f"spec:\n  interval: 5m\n  path: {path}\n  prune: true\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n{more}"
    )


# --- the judge ---


def rendered(deploy: Deploy, files: Mapping[str, str], programs: Programs) -> str:
    """What the environment gets of these files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copied = {
            path.replace(source, target, 1): text
            for source, target in deploy.copies.items()
            for path, text in files.items()
            if path.startswith(source + "/")
        }
        for path, text in {**files, **deploy.adds, **copied}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        if deploy.lays:
            with (root / deploy.what / "kustomization.yaml").open("a") as file:
                file.write(yaml.safe_dump({"patches": _inside(root, deploy.lays)}))
        if deploy.how == "files":
            return "\n---\n".join(files[name] for name in deploy.what.split())
        command = [programs.kustomize, "build", str(root / deploy.what)]
        if any("helmCharts:" in text for text in files.values()):
            command += ["--enable-helm", "--helm-command", programs.helm]
        if deploy.how == "helm":
            command = [programs.helm, "template", deploy.release, str(root / deploy.what)]
            command += ["--namespace", deploy.namespace]
            for number, value in enumerate(deploy.values):
                if value.endswith("?") and not _is_there(root, value[:-1]):
                    continue
                command += ["--values", str(_values_file(root, value, number))]
            for own in _own_values(deploy, files):
                (root / "own-values.yaml").write_text(yaml.safe_dump(own))
                command += ["--values", str(root / "own-values.yaml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (deploy, done.stderr)
        known = _inside(root, deploy.fills) if deploy.fills else {}
        return re.sub(
            r"\$\{(\w+)(?::=([^}]*))?\}",
            lambda found: str(known.get(found[1], found[2] or found[0])),
            done.stdout,
        )


def _own_values(deploy: Deploy, files: Mapping[str, str]) -> Iterator[Any]:
    """Values that the environment's Application has inside, whoever put them there."""
    for path, text in files.items():
        if f"argocd/{deploy.env}" in path and "kind: Application\n" in text:
            source = yaml.safe_load(text)["spec"].get("source", {})
            found = source.get("helm", {}).get("valuesObject")
            if found and source.get("path") == deploy.what:
                yield found


def _values_file(root: Path, value: str, number: int) -> Path:
    """A values file; after each ``#`` the way to what stands inside of it, with ``?`` one that may be missing."""
    name, _, inside = value.rstrip("?").partition("#")
    if not inside:
        return root / name
    node = _inside(root, value.rstrip("?"))
    file = root / f"inside-{number}.yaml"
    file.write_text(node if isinstance(node, str) else yaml.safe_dump(node))
    return file


def _is_there(root: Path, value: str) -> bool:
    if not (root / value.partition("#")[0]).exists():
        return False
    try:
        return _inside(root, value) is not None
    except (KeyError, TypeError, IndexError):
        return False


def _inside(root: Path, place: str) -> Any:
    name, *ways = place.split("#")
    node: Any = (root / name).read_text()
    for way in ways:
        node = _at(yaml.safe_load(node), way)
    return node


def _at(node: Any, inside: str) -> Any:
    while inside:
        # A key may have dots itself, as the names of files have.
        key = (
            next(k for k in [*node, inside] if inside == k or inside.startswith(f"{k}."))
            if isinstance(node, dict)
            else inside.partition(".")[0]
        )
        node = node[int(key)] if key.isdigit() else node[key]
        inside = inside.removeprefix(key).removeprefix(".")
    return node


def leaves(text: str) -> dict[tuple[str, ...], Any]:
    """Every scalar of every object, items of lists by their name."""
    found: dict[tuple[str, ...], Any] = {}
    for number, item in enumerate(yaml.safe_load_all(text)):
        if isinstance(item, dict):
            metadata = item.get("metadata") or {}
            key = (
                str(item.get("kind")),
                str(metadata.get("name")),
                str(metadata.get("namespace", number)),
            )
            found.update({(*key, *path): value for path, value in _walk(item)})
    return found


def _walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            name = (
                str(value["name"]) if isinstance(value, dict) and "name" in value else str(number)
            )
            yield from _walk(value, (*path, name))
    else:
        yield path, node


def now(repo: Repo, ask: Ask, programs: Programs) -> Any:
    """What the field is in the environment that is asked for, else anywhere; ``None`` where nothing has it."""
    kind, _, name = ask.object.split("/")
    wanted = tuple(a or b for a, b in _SEGMENT.findall(ask.path))
    for deploy in sorted(repo.deploys, key=lambda one: one.env != ask.env):
        for key, value in leaves(rendered(deploy, repo.files, programs)).items():
            if key[:2] == (kind, name) and key[3:] == wanted:
                return value
    return None


def wrong(repo: Repo, ask: Ask, after: Mapping[str, str], programs: Programs) -> str:
    """What an edit does that was not asked for; empty when it is right."""
    kind, _, name = ask.object.split("/")
    wanted = tuple(a or b for a, b in _SEGMENT.findall(ask.path))
    reached = 0
    for deploy in repo.deploys:
        old, new = (leaves(rendered(deploy, files, programs)) for files in (repo.files, after))
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        if deploy.env != ask.env and changed:
            return f"{deploy.env} changes too: {sorted(changed)}"
        for key in changed:
            if key[:2] != (kind, name) or key[3:] != wanted:
                return f"{deploy.env} changes otherwise: {key}"
            if str(new.get(key)) != str(ask.value):
                return f"{deploy.env} becomes {new.get(key)}"
            reached += 1
    return "" if reached == 1 else f"the field changes {reached} times"
