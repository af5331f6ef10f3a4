"""What is answered where a small repository is asked in other ways: the way to a place told, whatever the live object
says of its origin, other kinds of changes, values whatever they are now.

`python -m tests.support.manifests.answers` writes `tests/unit/manifests/expected_ways.yaml` anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from manifests.proposal.explain import explain
from manifests.proposal.propose import EditBase, EditProposal, propose_on, set_fields, set_in
from manifests.refused import EditRefused, NotEditable
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from schemas.validated import FileEdit
from tests.support.manifests.odd_installers import ODD
from tests.support.manifests.repositories import REPOSITORIES
from tests.support.stand_in_helm import StandIn

EXPECTED = Path(__file__).resolve().parents[2] / "unit" / "manifests" / "expected_ways.yaml"
API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
ALL: Mapping[str, Mapping[str, str]] = {**REPOSITORIES, **ODD}
_APP = "spec.template.spec.containers[name=app]."
_MEMORY, _IMAGE = _APP + "resources.limits.memory", _APP + "image"
_SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "api"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        "minReplicas": 2,
        "maxReplicas": 4,
    },
}
_HPA = ObjectRef(
    api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace="shop", name="api"
)


def _mapped(**said: Any) -> dict[str, str]:
    return {"origin.datadoghq.com/location": json.dumps(said)}


#: What the live object may say of its origin.
MARKS: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "Datadog: a file": _mapped(
        repo={"url": "https://git.example/shop/deploy.git", "path": "prod/api.yaml"}
    ),
    "Datadog: another repository": _mapped(repo={"url": "https://git.example/a/b", "path": "prod"}),
    "Datadog: a chart": _mapped(
        helm={"chartPath": "charts/api", "valuesPath": ["charts/api/values-prod.yaml"]}
    ),
    "Datadog: a chart's values": _mapped(
        helm={"repoURL": "git@git.example:shop/deploy", "valuesPath": "charts/api/values-dev.yaml"}
    ),
    "Datadog: nonsense": {"origin.datadoghq.com/location": "["},
    "Datadog: a list": {"origin.datadoghq.com/location": "[1]"},
    "Argo CD": {"argocd.argoproj.io/tracking-id": "argocd_api-prod:apps/Deployment:shop/api"},
    "Argo CD: another Application": {
        "argocd.argoproj.io/tracking-id": "else:apps/Deployment:shop/api"
    },
    "Flux": {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    },
    "kustomize: a file": {"config.kubernetes.io/origin": "path: ../../base/api.yaml\n"},
    "kustomize: another repository": {
        "config.kubernetes.io/origin": "path: api.yaml\nrepo: https://x/y\nref: main\n"
    },
    "kustomize: nonsense": {"config.kubernetes.io/origin": "["},
    "Helm": {"meta.helm.sh/release-name": "api", "app.kubernetes.io/managed-by": "Helm"},
    "Helm: another release": {"meta.helm.sh/release-name": "other"},
}
#: Other kinds of changes than a field's.
CHANGES: Mapping[str, Sequence[KubernetesChange]] = {
    "another tag": [
        KubernetesChange(
            object=API,
            fields=(
                FieldChange(
                    path=_IMAGE,
                    before="registry.example/api:1",
                    after="registry.example/api:2",
                ),
            ),
        )
    ],
    "another image": [
        KubernetesChange(
            object=API,
            fields=(
                FieldChange(
                    path=_IMAGE,
                    before="registry.example/api:1",
                    after="mirror.example/api@sha256:1",
                ),
            ),
        )
    ],
    "a field more": [
        KubernetesChange(
            object=API,
            fields=(
                FieldChange(op="add", path="spec.template.spec.priorityClassName", after="high"),
                FieldChange(op="add", path=_APP + "env[name=LEVEL]", after={"value": "debug"}),
            ),
        )
    ],
    "a field less": [
        KubernetesChange(
            object=API, fields=(FieldChange(op="remove", path=_MEMORY, before="128Mi"),)
        )
    ],
    "a scaler": [KubernetesChange(action="create", object=_HPA, manifest=_SCALER)],
    "a scaler beside": [
        KubernetesChange(action="create", object=_HPA, manifest=_SCALER, beside=API)
    ],
    "two changes": [
        KubernetesChange(
            object=API, fields=(FieldChange(path="spec.replicas", before=2, after=5),)
        ),
        KubernetesChange(
            object=API, fields=(FieldChange(path=_MEMORY, before="128Mi", after="256Mi"),)
        ),
    ],
    "a setting": [
        KubernetesChange(
            object=ObjectRef(api_version="v1", kind="ConfigMap", namespace="shop", name="settings"),
            fields=(FieldChange(path="data.LEVEL", before="info", after="debug"),),
        )
    ],
    "its end": [KubernetesChange(action="delete", object=API)],
}


def ways(name: str) -> dict[str, dict[str, list[str]]]:
    """Everything about one repository."""
    index = build(ALL[name])
    found: dict[str, dict[str, Any]] = {
        "told": dict(_told(index)),
        "marks": _grouped(
            (said, _proposed(index, _field("spec.replicas", 2, 9), marks=MARKS[said]))
            for said in MARKS
        ),
        "folders": _grouped(
            (
                folder or ".",
                _proposed(index, _field(_MEMORY, "128Mi", "777Mi"), folders=(folder,)),
            )
            for folder in sorted({path.rpartition("/")[0] for path in index.texts})[:6]
        ),
        "changes": {said: _proposed(index, change) for said, change in CHANGES.items()},
        "set": {
            environment: _set(index, environment)
            for environment in ("production", "development", "unknown")
        },
        "set in": dict(_set_in(index)),
    }
    split = {
        part: {said: _split(answer) for said, answer in answered.items()}
        for part, answered in found.items()
    }
    plain: dict[str, dict[str, list[str]]] = json.loads(json.dumps(split))
    return plain


def _split(answer: str | list[str]) -> list[str]:
    return answer.splitlines() if isinstance(answer, str) else answer


def _grouped(answered: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Questions by their answer."""
    found: dict[str, list[str]] = {}
    for said, answer in answered:
        found.setdefault(answer, []).append(said)
    return {"; ".join(said): answer for answer, said in found.items()}


def _field(path: str, before: Any, after: Any) -> list[KubernetesChange]:
    return [
        KubernetesChange(object=API, fields=(FieldChange(path=path, before=before, after=after),))
    ]


def _told(index: RepositoryIndex) -> Iterator[tuple[str, list[str]]]:
    for field in ("", "spec.replicas", _MEMORY, "spec.template", "spec.none"):
        for said in ("nothing", "Helm") if field == _MEMORY else ("nothing",):
            hints = Hints("production", (), "shop/deploy", {API.key: MARKS[said]})
            told = explain(index, API, hints, StandIn(), field)
            end = str(told.refusal) if told.refusal else told.place
            read = [f"{told.file} is read by {one.name}" for one in told.readers]
            yield f"{field or 'the object'}, {said}", [*map(str, told.steps), *read, end]


def _proposed(
    index: RepositoryIndex,
    changes: Sequence[KubernetesChange],
    *,
    marks: Mapping[str, str] = MARKS["nothing"],
    folders: Sequence[str] = (),
) -> str:
    hints = Hints("production", tuple(folders), "shop/deploy", {API.key: marks})
    base = EditBase("shop/deploy", "main", "c1", {})
    return _shown(propose_on(index, changes, base, hints, StandIn()))


def _shown(found: EditProposal | EditRefused) -> str:
    if isinstance(found, EditRefused):
        return f"{found.code}: {found.reason}"
    return f"{_lines(found.edits)}{found.proof.verdict}: {found.proof.reason}"


def _lines(edits: Sequence[FileEdit]) -> str:
    return "".join(
        f"{edit.path}\n"
        + "".join(
            f"{line}\n"
            for line in edit.diff.splitlines()
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        )
        for edit in edits
    )


def _set(index: RepositoryIndex, environment: str) -> str:
    wanted = {"spec.replicas": 9, _MEMORY: "777Mi"}
    try:
        return _lines(set_fields(index, API, wanted, Hints(environment), StandIn()))
    except NotEditable as refused:
        return f"{refused.code}: {refused.reason}"


def _set_in(index: RepositoryIndex) -> Iterator[tuple[str, str]]:
    """Documents that are known already, whoever they are."""
    for path in sorted(index.texts)[:8]:
        try:
            document = index.documents(path)[0]
            edits = set_in(index, path, document, {"spec.replicas": 9, "metadata.name": "x"})
            yield path, _lines(edits)
        except (NotEditable, IndexError) as refused:
            yield path, str(refused)
