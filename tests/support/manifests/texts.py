"""One Deployment written in several ways, and changes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.plans import FieldChange

_APP = "spec.template.spec.containers[name=app]"
_BLOCK = """\
# the api
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  annotations:
    note: |
      two
      lines
spec:
  replicas: 2  # at night
  selector:
    matchLabels:
      app: api
  template:
    spec:
      containers:
        # first
        - name: proxy
          image: "proxy:1"

        - name: app
          image: 'api:1'
          args: ["-v", "2"]
          env:
            - name: A
              value: "1"
            - name: B
              value: b
          resources:
            limits:
              memory: 128Mi
              cpu: 500m
"""
_FLOW = (
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 2, template: {spec: {containers: "
    "[{name: proxy, image: 'proxy:1'}, {name: app, image: 'api:1', args: ['-v', '2'], env: [{name: A, value: '1'}, {name: B, value: b}], "
    "resources: {limits: {memory: 128Mi, cpu: 500m}}}]}}}}\n"
)
_JSON = """\
{
  "apiVersion": "apps/v1",
  "kind": "Deployment",
  "metadata": {"name": "api"},
  "spec": {
    "replicas": 2,
    "template": {"spec": {"containers": [
      {"name": "proxy", "image": "proxy:1"},
      {
        "name": "app",
        "image": "api:1",
        "args": ["-v", "2"],
        "env": [
          {"name": "A", "value": "1"},
          {"name": "B", "value": "b"}
        ],
        "resources": {"limits": {"memory": "128Mi", "cpu": "500m"}}
      }
    ]}}
  }
}
"""
TEXTS: Mapping[str, str] = {
    "block": _BLOCK,
    "block with lists at their key": _BLOCK.replace("        -", "      -")
    .replace("        # first", "      # first")
    .replace("          ", "        "),
    "windows lines": _BLOCK.replace("\n", "\r\n"),
    "no last newline": _BLOCK.rstrip("\n"),
    "flow": _FLOW,
    "json": _JSON,
    "mixed": _BLOCK.replace(
        "            limits:\n              memory: 128Mi\n              cpu: 500m\n",
        "            limits: {memory: 128Mi, cpu: 500m}  # small\n",
    ),
    "empty resources": _BLOCK.partition("          resources:")[0] + "          resources: {}\n",
    "anchored": _BLOCK.replace("memory: 128Mi", "memory: &m 128Mi").replace(
        "value: b", "value: *m"
    ),
    "templated": _BLOCK.replace("128Mi", "{{ .Values.memory }}").replace(
        "replicas: 2 ", "replicas: ${N} "
    ),
    "ignored": _BLOCK.replace("memory: 128Mi", "memory: 128Mi  # kfix: ignore"),
    "marked": "\ufeff" + _BLOCK,
    "several documents": _BLOCK + "---\nkind: Service\n",
    "twice the key": _BLOCK.replace("  replicas: 2", "  replicas: 2\n  replicas: 2"),
    "tabs": _BLOCK.replace("  replicas", "\treplicas"),
}


def _one(path: str, before: Any, after: Any, op: Any = "replace") -> FieldChange:
    return FieldChange(path=path, before=before, after=after, op=op)


_LIMITS = f"{_APP}.resources.limits"
CHANGES: Mapping[str, Sequence[FieldChange]] = {
    "replicas": [_one("spec.replicas", 2, 4)],
    "replicas as seen otherwise": [_one("spec.replicas", 3, 4)],
    "replicas that are so": [_one("spec.replicas", 2, 2)],
    "memory": [_one(f"{_LIMITS}.memory", "128Mi", "256Mi")],
    "memory and cpu": [
        _one(f"{_LIMITS}.memory", "128Mi", "1Gi"),
        _one(f"{_LIMITS}.cpu", "500m", "1"),
    ],
    "memory in other words": [_one(f"{_LIMITS}.memory", "0.125Gi", "256Mi")],
    "image": [_one(f"{_APP}.image", "api:1", "api:2")],
    "image of the other": [
        _one("spec.template.spec.containers[name=proxy].image", "proxy:1", "proxy:2")
    ],
    "a value that is a number": [_one(f"{_APP}.env[name=A].value", "1", "2")],
    "a value with a colon": [_one(f"{_APP}.env[name=B].value", "b", "yes: no")],
    "a value of lines": [_one(f"{_APP}.env[name=B].value", "b", "one\ntwo\n")],
    "requests": [_one(f"{_APP}.resources.requests", None, {"cpu": "1", "memory": "1Gi"}, "add")],
    "one request": [_one(f"{_APP}.resources.requests.cpu", None, "100m", "add")],
    "a variable more": [_one(f"{_APP}.env[name=C].value", None, "c", "add")],
    "a variable in the middle": [_one(f"{_APP}.env[1]", None, {"name": "C", "value": "c"}, "add")],
    "a variable less": [_one(f"{_APP}.env[name=A]", {"name": "A", "value": "1"}, None, "remove")],
    "all variables less": [
        _one(f"{_APP}.env[name=A]", {"name": "A", "value": "1"}, None, "remove"),
        _one(f"{_APP}.env[name=B]", {"name": "B", "value": "b"}, None, "remove"),
    ],
    "other arguments": [_one(f"{_APP}.args", ["-v", "2"], ["-v", "3", "--fast"])],
    "no arguments": [_one(f"{_APP}.args", ["-v", "2"], None, "remove")],
    "an argument more": [_one(f"{_APP}.args[2]", None, "-x", "add")],
    "a probe": [
        _one(f"{_APP}.readinessProbe", None, {"httpGet": {"path": "/", "port": 80}}, "add")
    ],
    "a strategy": [_one("spec.strategy", None, {"type": "Recreate"}, "add")],
    "a note": [_one("metadata.annotations.note", "two\nlines\n", "three\nshort\nlines\n")],
    "no limits": [_one(_LIMITS, {"memory": "128Mi", "cpu": "500m"}, None, "remove")],
    "no cpu": [_one(f"{_LIMITS}.cpu", "500m", None, "remove")],
    "limits whole": [
        _one(
            _LIMITS,
            {"memory": "128Mi", "cpu": "500m"},
            {"memory": "2Gi", "ephemeral-storage": "1Gi"},
        )
    ],
    "of a container that is not there": [
        _one("spec.template.spec.containers[name=no].image", "a", "b")
    ],
    "a container more": [
        _one("spec.template.spec.containers[name=new].image", None, "new:1", "add")
    ],
    "made and taken away": [
        _one("spec.paused", None, True, "add"),
        _one("spec.paused", True, None, "remove"),
    ],
}
