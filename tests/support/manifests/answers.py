"""What is answered about small repositories: who installs what, where it goes, and each edit or refusal.

`python -m tests.support.manifests.answers` writes `expected_answers.yaml`, `expected_odd_answers.yaml` and
`expected_ways.yaml` of `tests/unit/manifests` anew, for a person to read the difference. Each repository is asked as it is, and again with one thing in its YAML left out or said otherwise.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused, NotEditable
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.installers import Installer, destinations, read_map
from manifests.repository.installers.commands import in_text, pattern_of, said_of, words_of
from manifests.repository.locate import Hints
from manifests.text.diffs import reverse, unified
from manifests.text.editor import amend
from manifests.text.plan_edits import edits_of
from manifests.text.read import read
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.manifests import ways
from tests.support.manifests.odd_installers import KNOWN, ODD
from tests.support.manifests.repositories import REPOSITORIES, SCRIPTS
from tests.support.manifests.texts import CHANGES, TEXTS
from tests.support.stand_in_helm import StandIn

_PAGES = Path(__file__).resolve().parents[2] / "unit" / "manifests"
EXPECTED, EXPECTED_ODD = _PAGES / "expected_answers.yaml", _PAGES / "expected_odd_answers.yaml"
API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
_CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"
_MEMORY = "spec.template.spec.containers[name=app].resources.limits.memory"
#: What may stand in the field now, as the sample repositories declare it.
_ASKED: Mapping[str, tuple[str, Sequence[Any], Any]] = {
    "replicas": ("spec.replicas", (2, 3, 4, 5, 6, 7), 9),
    "memory": (_MEMORY, ("128Mi", "192Mi", "256Mi", "320Mi"), "777Mi"),
    "cpu": (_CPU, ("500m", "1"), "2"),
}
_MARKS: Mapping[str, Mapping[str, str]] = {
    "argo": {"argocd.argoproj.io/tracking-id": "api-prod:apps/Deployment:shop/api"},
    "flux": {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    },
    "release": {
        "helm.toolkit.fluxcd.io/name": "api",
        "helm.toolkit.fluxcd.io/namespace": "shop",
        "meta.helm.sh/release-name": "api",
        "meta.helm.sh/release-namespace": "shop",
    },
}
#: Variations of one repository that are asked; of an odd one, which is a variation itself.
_VARIED, _ODD_VARIED = 36, 12


def answers(name: str) -> dict[str, Any]:
    """Everything about one repository, and by answer what changes it: a thing left out or said otherwise."""
    return _answers(name, REPOSITORIES[name], _VARIED)


def odd_answers(name: str) -> dict[str, Any]:
    """The same of an odd one."""
    return _answers(name, ODD[name], _ODD_VARIED)


def _answers(name: str, files: Mapping[str, str], variations: int) -> dict[str, Any]:
    everywhere = [(what, at) for at in ("production", "development") for what in _ASKED]
    whole = _answer(files, name, everywhere)
    groups: dict[str, list[str]] = {}
    others: dict[str, dict[str, Any]] = {}
    for told, varied in _variations(files, variations):
        answered = _answer(varied, name)
        different: dict[str, Any] = {
            part: {
                key: value for key, value in answered[part].items() if whole[part].get(key) != value
            }
            for part in whole
        }
        gone = sorted(
            key
            for part in ("installers", "places")
            for key in whole[part].keys() - answered[part].keys()
        )
        different = {part: found for part, found in different.items() if found}
        if gone:
            different["gone"] = gone
        key = json.dumps(different, sort_keys=True)
        groups.setdefault(key, []).append(told)
        others[key] = different
    return whole | {
        "with one thing changed": [
            {"changed": told, "answered": others[key] or "the same"} for key, told in groups.items()
        ]
    }


def _answer(
    files: Mapping[str, str],
    name: str,
    asked: Sequence[tuple[str, str]] = (("replicas", "production"), ("memory", "production")),
) -> dict[str, Any]:
    project, branches = ("shop/deploy", ("main",)) if name in KNOWN else ("", ())
    index = build(files, project=project, branches=branches)
    found = {
        "installers": dict(_installers(index)),
        "places": {path: _places(index, path) for path in sorted(index.texts)},
        "proposals": {
            f"{what} {environment}": _proposed(index, environment, *_ASKED[what], _marks_of(name))
            for what, environment in asked
        },
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _installers(index: RepositoryIndex) -> Iterator[tuple[str, Any]]:
    for number, one in enumerate(read_map(index).installers):
        yield f"{number} {one.said_by}", _told(one)


#: What the name of an installer says already.
_IN_ITS_NAME = ("said_by", "by", "place")


def _told(one: Installer) -> str:
    said = []
    for field in fields(one):
        value = getattr(one, field.name)
        if value and field.name not in _IN_ITS_NAME:
            if field.name == "pattern":
                value = sorted(value.pattern.split("|"))
            said.append(f"{field.name}={value}")
    return "; ".join(said).replace("\x00", "…")


def _places(index: RepositoryIndex, path: str) -> list[str]:
    found = [
        f"{' or '.join(one.environments) or '?'} | {one.cluster} | {one.namespace} | {one.said_by}"
        for one in destinations(index, [path])
    ]
    installers = read_map(index)
    found += [f"read by {one.said_by}" for one in installers.reaching(path)]
    why = installers.undeployed(path, plain=True)
    return [*found, *([why] if why else [])]


def _marks_of(name: str) -> Mapping[str, str]:
    return next((_MARKS[word] for word in _MARKS if word in name), {})


def _proposed(
    index: RepositoryIndex,
    environment: str,
    path: str,
    now: Sequence[Any],
    wanted: Any,
    marks: Mapping[str, str],
) -> str:
    """The first answer that is not about another value, as one text; else the last."""
    answered = ""
    for before in now:
        change = KubernetesChange(
            object=API, fields=(FieldChange(path=path, before=before, after=wanted),)
        )
        hints = Hints(environment, (), "shop/deploy", {API.key: marks})
        found = propose_on(
            index, [change], EditBase("shop/deploy", "main", "c1", {}), hints, StandIn()
        )
        answered = _shown(found)
        if not (isinstance(found, EditRefused) and found.code == "STALE"):
            break
    return answered


def _shown(found: EditProposal | EditRefused) -> str:
    if isinstance(found, EditRefused):
        return f"{found.code}: {found.reason}"
    edits = "".join(
        f"{edit.path} +{edit.added_lines} -{edit.removed_lines}\n{edit.diff}"
        for edit in found.edits
    )
    reaches = "".join(f"{one}\n" for one in found.reaches)
    return f"{edits}{found.proof.verdict}: {found.proof.reason}\n{reaches}"


def _variations(files: Mapping[str, str], count: int) -> Iterator[tuple[str, dict[str, str]]]:
    spots = [
        (path, number, place)
        for path, text in files.items()
        if path.endswith((".yaml", ".yml")) and "/templates/" not in path
        for number, document in enumerate(_parsed(text))
        for place in _spots(document)
    ]
    step = max(1, -(-2 * len(spots) // count))
    tried = [(spot, how) for spot in spots for how in ("left out", "otherwise")]
    for (path, number, place), how in tried[::step]:
        documents = copy.deepcopy(_parsed(files[path]))
        node = documents[number]
        for key in place[:-1]:
            node = node[key]
        told = f"{path} {'.'.join(map(str, place))} {how}"
        if how == "left out":
            del node[place[-1]]
        else:
            node[place[-1]] = _other(node[place[-1]])
        yield told, {**files, path: yaml.safe_dump_all(documents, sort_keys=False)}


def _parsed(text: str) -> list[Any]:
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return []


def _spots(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside: Sequence[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        inside = list(node.items())
    elif isinstance(node, list):
        inside = list(enumerate(node))
    for key, value in inside:
        yield (*place, key)
        yield from _spots(value, (*place, key))


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return [value] if isinstance(value, dict) else list(reversed(value)) * 2


def read_scripts() -> dict[str, Any]:
    """What each script installs."""
    return {
        script: [_command(one) for one in in_text("ci/deploy.sh", script)] for script in SCRIPTS
    }


def _command(one: Any) -> str:
    told = [f"{f.name}={getattr(one, f.name)}" for f in fields(one) if getattr(one, f.name)]
    told += [
        str(said_of(one)),
        f"means {pattern_of(one, one.subject).pattern}",
        f"words {words_of(one)}",
    ]
    return "; ".join(told).replace("\x00", "…")


def edited(name: str) -> dict[str, str]:
    """What each change makes of one text: the changed lines, or why not."""
    return {told: str(_edited(TEXTS[name], change)) for told, change in CHANGES.items()}


def _edited(text: str, change: Sequence[FieldChange]) -> str:
    try:
        document = read(text)[0]
        done = amend(text, edits_of(KubernetesChange(object=API, fields=tuple(change)), document))
    except NotEditable as refused:
        return f"{refused.code}: {refused.reason}"
    if not done.changes:
        return "as it is"
    diff = unified("a.yaml", text, done.changes)
    assert reverse(reverse(diff)) == diff
    return f"+{done.added} -{done.removed}\n{diff}"


def everything() -> dict[str, Any]:
    """The whole page."""
    return {
        "repositories": {name: answers(name) for name in REPOSITORIES},
        "scripts": read_scripts(),
        "texts": {name: edited(name) for name in TEXTS},
    }


def write() -> None:
    """Writes the pages anew."""
    _write(EXPECTED, everything())
    _write(EXPECTED_ODD, {name: odd_answers(name) for name in ODD})
    _write(ways.EXPECTED, {name: ways.ways(name) for name in ways.ALL})


def _write(page: Path, found: Mapping[str, Any]) -> None:
    head = "# Answers about small repositories: tests/support/manifests/answers.py writes them.\n"
    body = yaml.dump(found, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=240)
    page.write_text(head + body)


if __name__ == "__main__":
    write()
