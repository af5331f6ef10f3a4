"""Small deployment repositories that need rendering: a chart with environments, Flux, Argo CD; and the real programs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from kfix.infra.clients.renderers import Programs
from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused
from manifests.repository.index import build
from manifests.repository.locate import Hints
from manifests.repository.rendering import Renderer
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.stand_in_helm import StandIn
from tools.realparts.programs import Unbuildable
from tools.realparts.renderers import programs

Repo = dict[str, str]
API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
APP = "spec.template.spec.containers[name=app]."
MEMORY = APP + "resources.limits.memory"

CHART = "apiVersion: v2\nname: api\nversion: 1.2.3\nappVersion: '2.0'\n"
VALUES = """\
# Defaults of every environment.
replicaCount: 2
image:
  repository: registry.example.com/api
  tag: ""
resources:
  limits:
    cpu: 500m
    memory: 128Mi   # small
worker:
  memory: 128Mi
shared:
  level: info
autoscaling:
  enabled: false
probe: {}
extraEnv: []
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.name" . }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {app: {{ include "api.name" . }}}
  template:
    metadata:
      labels: {app: {{ include "api.name" . }}}
    spec:
      containers:
      - name: app
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        env:
        - name: LEVEL
          value: {{ .Values.shared.level | quote }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        terminationMessagePath: /dev/termination-log
        {{- with .Values.probe }}
        livenessProbe:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
"""
WORKER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "api.name" . }}-worker
spec:
  selector:
    matchLabels: {app: worker}
  template:
    metadata:
      labels: {app: worker}
    spec:
      containers:
      - name: worker
        image: registry.example.com/worker:1
        env:
        - {name: LEVEL, value: {{ .Values.shared.level | quote }}}
        resources:
          limits: {memory: {{ .Values.worker.memory }}}
"""
SCALER = """\
{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "api.name" . }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "api.name" . }}}
  minReplicas: {{ .Values.autoscaling.min }}
  maxReplicas: {{ .Values.autoscaling.max }}
{{- end }}
"""
HELPERS = '{{- define "api.name" -}}{{ .Release.Name | trunc 53 }}{{- end }}\n'


def chart(folder: str = "charts/api", **files: str) -> Repo:
    """A chart whose templates are as charts are written; ``files`` are values files by name without suffix."""
    made = {
        "Chart.yaml": CHART,
        "values.yaml": VALUES,
        "templates/deployment.yaml": DEPLOYMENT,
        "templates/worker.yaml": WORKER,
        "templates/hpa.yaml": SCALER,
        "templates/_helpers.tpl": HELPERS,
    }
    named = {name.replace("_", "-") + ".yaml": text for name, text in files.items()}
    return {f"{folder}/{path}": text for path, text in (made | named).items()}


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.render)])
def either(request: pytest.FixtureRequest) -> Renderer:
    """A stand-in that knows what the sample charts use, and the real programs."""
    if request.param == "stand-in":
        return StandIn()
    real: Programs = request.getfixturevalue("renderer")
    return real


@pytest.fixture(scope="session")
def renderer() -> Programs:
    """The real kustomize and helm. Skips where they cannot be had, fails there when nothing may skip."""
    try:
        return programs()
    except Unbuildable as why:
        if os.environ.get("KFIX_TEST_STRICT") == "1":
            raise
        pytest.skip(str(why))


def proposed(
    files: Mapping[str, str],
    renderer: Renderer,
    *fields: FieldChange,
    ref: ObjectRef = API,
    env: str = "production",
    live: Mapping[str, str] | None = None,
    project: str = "shop/deploy",
) -> EditProposal | EditRefused:
    """What is proposed for a change of one object, with its proof."""
    change = KubernetesChange(object=ref, fields=fields)
    hints = Hints(env, (), project, {ref.key: live or {}})
    return propose_on(build(files), [change], EditBase(project, "main", "", {}), hints, renderer)


def accepted(found: EditProposal | EditRefused) -> EditProposal:
    """The proposal. Fails on a refusal."""
    assert isinstance(found, EditProposal), found
    return found


def lines_of(found: EditProposal | EditRefused) -> dict[str, list[str]]:
    """The changed lines by file, of a proposal whose proof passed."""
    done = accepted(found)
    assert done.proof.verdict == "pass", done.proof
    return {
        edit.path: [
            line
            for line in edit.diff.splitlines()
            if line[:1] in "+-" and not line.startswith(("+++", "---"))
        ]
        for edit in done.edits
    }


def raise_to(path: str, before: Any, after: Any) -> FieldChange:
    """One replaced field."""
    return FieldChange(path=path, before=before, after=after)
