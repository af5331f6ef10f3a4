"""Repositories with one object in several trees, each deployed into a namespace and an environment in a way of its own, made
by chance; and which tree is meant.

A tree says its environment by a folder's name, or only by who deploys it; some say none. Whoever asks for an environment
means the one tree of that environment and namespace; a tree called just so comes before one that is called by another
word for it, and both before one that has such a word in its name.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tools.repositories import parts

WORDS = {
    "production": ("prod", "production", "prd", "live", "prod-eu", "eu-prod", "shop-prod"),
    "staging": ("staging", "stage", "stg", "staging-us"),
    "development": ("dev", "development", "dev-1"),
    "uat": ("uat",),
    "qa": ("qa",),
    "preproduction": ("preprod", "pre-prod"),
    "": ("eu", "a", "blue", "main", "nonprod", "k8s"),
}
ASKED = {
    "production": ("prod", "production"),
    "staging": ("staging", "stg"),
    "development": ("dev", "development"),
    "uat": ("uat",),
    "qa": ("qa",),
    "preproduction": ("preprod",),
}
_WHOLE = {word for words in WORDS.values() for word in words if "-" not in word} | {"pre-prod"}


@dataclass(frozen=True)
class Tree:
    """``namespace`` is empty where the tree says none. ``owned``: beginnings of the files that are the tree's alone."""

    environment: str
    word: str
    namespace: str
    owned: tuple[str, ...]
    files: dict[str, str]


@dataclass(frozen=True)
class Question:
    """What is asked of some trees."""

    environment: str
    word: str
    namespace: str
    trees: tuple[Tree, ...]

    @property
    def files(self) -> dict[str, str]:
        """The whole repository."""
        return {path: text for tree in self.trees for path, text in tree.files.items()}

    def wrong(self, changed: list[str]) -> str:
        """What is wrong with an edit of these files; empty when it is of the tree that is meant."""
        hit = [t for t in self.trees if any(path.startswith(t.owned) for path in changed)]
        if len(hit) != 1 or not all(path.startswith(hit[0].owned) for path in changed):
            return f"{changed} are not one tree's"
        may = [t for t in self.trees if t.namespace in ("", self.namespace)]
        mine = [t for t in may if t.environment == self.environment]
        if not mine:
            alone = may == hit and not hit[0].environment
            return "" if alone else f"{changed} is of no tree of the environment"
        for nearest in (lambda t: t.word == self.word, lambda t: t.word in _WHOLE, bool):
            close = [t for t in mine if nearest(t)]
            if close:
                return "" if close == hit else f"{changed} is not what is meant"
        return ""


def question(seed: int) -> Question:
    """One repository and what is asked of it."""
    chance = random.Random(seed)
    trees = tuple(_tree(chance, number) for number in range(chance.randint(1, 4)))
    environment = chance.choice(list(ASKED))
    word = chance.choice(ASKED[environment])
    return Question(environment, word, chance.choice(("shop", "store")), trees)


def _tree(chance: random.Random, number: int) -> Tree:
    environment = chance.choice(list(WORDS))
    word, namespace = chance.choice(WORDS[environment]), chance.choice(("shop", "store"))
    top = chance.choice(("", "apps/", f"team-{number}/", "clusters/"))
    folder = f"{top}{word}/x{number}" if chance.random() < 0.3 else f"{top}t{number}/{word}"
    making = chance.choice(list(_MAKING))
    return _MAKING[making](environment, word, namespace, folder, number)


def _plain(environment: str, word: str, _: str, folder: str, number: int) -> Tree:
    files = {f"{folder}/api.yaml": parts.deployment("api")}
    return Tree(environment, word, "", (folder + "/",), files)


def _placed(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
    files = {f"{folder}/api.yaml": parts.deployment("api", namespace=namespace)}
    return Tree(environment, word, namespace, (folder + "/",), files)


def _built(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
    text = parts.kustomization("api.yaml", more=f"namespace: {namespace}\n")
    files = {f"{folder}/api.yaml": parts.deployment("api"), f"{folder}/kustomization.yaml": text}
    return Tree(environment, word, namespace, (folder + "/",), files)


def _deployed(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
    tree = _built(environment, word, namespace, folder, number)
    said = parts.application(f"app{number}", f"c{number}", folder, namespace)
    files = {**tree.files, f"argo/{number}.yaml": said}
    return Tree(environment, word, namespace, tree.owned, files)


def _chart(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
    files = parts.chart(f"{folder}/api", name="api")
    return Tree(environment, word, "", (folder + "/",), files)


def _released(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
    tree, path = _chart(environment, word, namespace, folder, number), f"argo/{number}.yaml"
    more = "    helm:\n      releaseName: api\n"
    said = parts.application(f"app{number}", f"c{number}", f"{folder}/api", namespace, more)
    return Tree(environment, word, namespace, (*tree.owned, path), {**tree.files, path: said})


def _by(deployer: Callable[[str, str, str, int], tuple[str, str]]) -> Callable[..., Tree]:
    """A folder whose name says nothing: only its deployer says where it goes."""

    def made(environment: str, word: str, namespace: str, folder: str, number: int) -> Tree:
        neutral = f"{folder.partition('/')[0]}-all/neutral{number}" if number % 2 else f"n{number}"
        neutral = f"n{number}" if environment and word in neutral else neutral
        path, said = deployer(word, namespace, neutral, number)
        files = {
            f"{neutral}/api.yaml": parts.deployment("api"),
            f"{neutral}/kustomization.yaml": parts.kustomization("api.yaml"),
            path: said,
        }
        return Tree(environment, word, namespace, (neutral + "/",), files)

    return made


def _argo(word: str, namespace: str, folder: str, number: int) -> tuple[str, str]:
    return f"argo/{number}.yaml", parts.application(f"app{number}", word, folder, namespace)


def _flux(word: str, namespace: str, folder: str, number: int) -> tuple[str, str]:
    more = f"  targetNamespace: {namespace}\n"
    return f"clusters/{word}/f{number}.yaml", parts.flux(f"./{folder}", more, f"f{number}")


def _set(word: str, namespace: str, folder: str, number: int) -> tuple[str, str]:
    elements = f"    - list:\n        elements:\n          - cluster: {word}\n"
    text = parts.application_set(elements, f"s{number}-{{{{cluster}}}}", folder, namespace)
    text = text.replace("name: api", f"name: s{number}", 1)
    return f"sets/{number}.yaml", text.replace("name: in-cluster", "name: '{{cluster}}'")


def _script(word: str, namespace: str, folder: str, number: int) -> tuple[str, str]:
    line = f"kubectl --context {word} apply -n {namespace} -k {folder}\n"
    return f"ci/deploy-{number}.sh", line


_MAKING: dict[str, Callable[..., Tree]] = {
    "plain": _plain,
    "with a namespace": _placed,
    "built": _built,
    "an Application's": _deployed,
    "a chart": _chart,
    "an Application's chart": _released,
    "by Argo CD alone": _by(_argo),
    "by Flux alone": _by(_flux),
    "by a set alone": _by(_set),
    "by a script alone": _by(_script),
}
