"""Repositories made by chance, of layers, installers and environments: no edit of any of them is wrong.

A seed is a repository. ``KFIX_TEST_FULL=1`` asks 2,000 of them.
"""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import set_fields
from manifests.refused import EditRefused, NotEditable
from manifests.repository.index import build as indexed
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from tests.support.hostile_kinds import OVERRIDE, PATCH
from tests.support.hostile_repos import (
    IMAGE,
    MEMORY,
    PROD,
    Ask,
    Deploy,
    Repo,
    application,
    build,
    chart,
    deployment,
    flux,
    overlays,
    wrong,
)
from tests.support.render import renderer

pytestmark = pytest.mark.render
SEEDS = 2_000 if os.environ.get("KFIX_TEST_FULL") == "1" else 60
ENVS = ("dev", "staging", "prod")
_LAYERS = (
    "",
    "",
    OVERRIDE,
    "patches: [{path: memory.yaml}]\n",
    "replicas: [{name: api, count: 4}]\n",
    "images: [{name: registry.example/api, newTag: 1.0.0}]\n",
    "components: [../../components/big]\n",
    "namePrefix: x-\n",
    "labels: [{pairs: {team: a}}]\n",
)


def _overlaid(dice: random.Random, envs: list[str]) -> Repo:
    more = {env: dice.choice(_LAYERS) for env in envs}
    files = overlays(*envs, more=more)
    for env in envs:
        if "memory.yaml" in more[env]:
            files[f"overlays/{env}/memory.yaml"] = PATCH
    if any("components" in text for text in more.values()):
        files["components/big/kustomization.yaml"] = (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: memory.yaml}]\n"
        )
        files["components/big/memory.yaml"] = PATCH
    deploys = []
    for env in envs:
        folder = dice.choice([f"overlays/{env}"] * 5 + ["base"])
        on_top = dice.choice(["", "", OVERRIDE])
        how = dice.choice(["argo", "flux", "nobody"])
        if how == "nobody":
            folder, on_top = f"overlays/{env}", ""
        elif how == "argo":
            settings = f"    kustomize:\n      {on_top}" if on_top else ""
            files[f"argocd/{env}/api.yaml"] = application(env, folder, settings)
        else:
            files[f"clusters/{env}/apps.yaml"] = flux(
                f"./{folder}", f"  {on_top}" if on_top else ""
            )
        top = {"top/kustomization.yaml": build(f"../{folder}", more=on_top)} if on_top else {}
        deploys.append(Deploy(env, "kustomize", "top" if on_top else folder, adds=top))
    return Repo("overlays", files, deploys, [])


def _shared(dice: random.Random, envs: list[str]) -> Repo:
    kustomized = dice.random() < 0.5
    files = {"apps/api/api.yaml": deployment()}
    if kustomized:
        files["apps/api/kustomization.yaml"] = build("api.yaml")
    installed = envs[: dice.randint(1, len(envs))]
    for env in installed:
        files |= dice.choice(
            [
                {f"argocd/{env}.yaml": application(env, "apps/api")},
                {f"clusters/{env}/apps.yaml": flux("./apps/api")},
                {
                    f"deploy-{env}.sh": f"kubectl apply -n shop -{'k' if kustomized else 'f'} apps/api\n"
                },
            ]
        )
    how, what = ("kustomize", "apps/api") if kustomized else ("files", "apps/api/api.yaml")
    return Repo("a shared folder", files, [Deploy(env, how, what) for env in installed], [])  # type: ignore[arg-type]


def _charted(dice: random.Random, envs: list[str]) -> Repo:
    files = chart()
    contents = (
        "{}\n",
        PROD,
        "replicaCount: 4\n",
        "image: {tag: 1.0.0}\n",
        PROD + "replicaCount: 3\n",
    )
    orders: dict[str, list[str]] = {}
    common = dice.choice(["none", "first", "last"])
    if common != "none":
        files["envs/common.yaml"] = dice.choice(contents)
    for env in envs:
        own = dice.choice([f"envs/{env}.yaml"] * 4 + ["envs/shared.yaml"])
        files.setdefault(own, dice.choice(contents))
        orders[env] = {
            "none": [own],
            "first": ["envs/common.yaml", own],
            "last": [own, "envs/common.yaml"],
        }[common]
    how = dice.choice(["argo", "script", "helmfile"])
    for env, names in orders.items():
        if how == "argo":
            listed = ", ".join(f"../../{name}" for name in names)
            files[f"argocd/{env}.yaml"] = application(
                env, "charts/api", f"    helm: {{valueFiles: [{listed}]}}\n"
            )
        elif how == "script":
            words = " ".join(f"-f {name}" for name in names)
            files[f"deploy-{env}.sh"] = f"helm upgrade --install api charts/api -n shop {words}\n"
        else:
            files[f"{env}/helmfile.yaml"] = (
                f"environments: {{{env}: {{}}}}\n---\nreleases:\n- {{name: api, namespace: shop, chart: ../charts/api, "
                f"values: [{', '.join(f'../{name}' for name in names)}]}}\n"
            )
    return Repo(
        "a chart",
        files,
        [Deploy(env, "helm", "charts/api", values=tuple(names)) for env, names in orders.items()],
        [],
    )


def _foldered(dice: random.Random, envs: list[str]) -> Repo:
    there = envs[: dice.randint(1, len(envs))]
    files = {f"envs/{env}/api.yaml": deployment(count=n + 1) for n, env in enumerate(there)}
    for env in there:
        if dice.random() < 0.4:
            # Whoever looks at the folder's name alone is led astray.
            files[f"argocd/{env}.yaml"] = application(env, f"envs/{env}")
    return Repo(
        "folders", files, [Deploy(env, "files", f"envs/{env}/api.yaml") for env in there], []
    )


_FORMS: tuple[Callable[[random.Random, list[str]], Repo], ...] = (
    _overlaid,
    _shared,
    _charted,
    _foldered,
)


def made(seed: int) -> tuple[Repo, Ask]:
    """A repository and what is asked of it."""
    dice = random.Random(seed)
    envs = dice.sample(ENVS, dice.randint(2, 3))
    repo = dice.choice(_FORMS)(dice, envs)
    path, value = dice.choice(
        [(MEMORY, "777Mi"), ("spec.replicas", 7), (IMAGE, "registry.example/api:2.0.0")]
    )
    return repo, Ask(dice.choice([*envs, *envs, "staging"]), "either", path, value)


def test_no_edit_of_any_repository_is_wrong(renderer: Programs) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    faults: list[str] = []
    for seed in range(SEEDS):
        repo, ask = made(seed)
        hints, ref = Hints(ask.env), ObjectRef.parse(ask.object)
        try:
            edits = set_fields(indexed(repo.files), ref, {ask.path: ask.value}, hints, renderer)
        except NotEditable:
            seen[repo.name, "refused"] += 1
            continue
        seen[repo.name, "edited"] += 1
        after = {**repo.files, **{edit.path: edit.after for edit in edits}}
        why = wrong(repo, ask, after, renderer)
        if why:
            faults.append(f"seed {seed}, {repo.name}, {ask.env} {ask.path}: {why}")
    assert not faults, "\n".join(faults)
    # Every form is edited somewhere: refusing all would be no proof.
    assert {form for form, what in seen if what == "edited"} == {form for form, _ in seen}, seen
