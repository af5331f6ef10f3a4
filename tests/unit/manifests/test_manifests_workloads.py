"""The usual fixes, made to one workload in every style it may be written in, each result judged by others than the editor.

Judges: PyYAML (YAML 1.1), a reader with YAML 1.2's core schema, ``changes.apply`` on plain objects, and ``git apply``.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from manifests import NotEditable, Patched, amend, patch
from manifests.objects import changes, paths
from manifests.text import plan_edits
from manifests.text import read as reading
from manifests.text.diffs import split, unified
from manifests.text.editor import Edit
from manifests.text.splices import apply_splices
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

FOLDER = Path(__file__).with_name("workloads")
APP = "spec.template.spec.containers[name=app]"
SIDECAR = "spec.template.spec.containers[name=sidecar]"


class Core(yaml.CSafeLoader):
    """YAML 1.2's core schema (1.2.2 §10.3.2), written down apart from the editor's own."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _tag, _pattern, _first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)


def _int_12(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


Core.add_constructor("tag:yaml.org,2002:int", _int_12)
READERS = {"1.1": yaml.CSafeLoader, "1.2": Core}


GONE = object()

#: Each fix as wished: path and value, or GONE.
FIXES: dict[str, list[tuple[str, Any]]] = {
    "replicas": [("spec.replicas", 5)],
    "image": [(f"{APP}.image", "registry.example.com/shop/app:1.4.3")],
    "cpu request": [(f"{APP}.resources.requests.cpu", "250m")],
    "memory request": [(f"{APP}.resources.requests.memory", "512Mi")],
    "cpu limit": [(f"{APP}.resources.limits.cpu", "2")],
    "memory limit": [(f"{APP}.resources.limits.memory", "1Gi")],
    "another resource": [(f"{APP}.resources.limits.ephemeral-storage", "1Gi")],
    "missing limit": [(f"{SIDECAR}.resources.limits.memory", "64Mi")],
    "missing resources": [
        (f"{SIDECAR}.resources", {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}})
    ],
    "limit and replicas": [("spec.replicas", 3), (f"{APP}.resources.limits.memory", "1Gi")],
    "no limits": [(f"{APP}.resources.limits", GONE)],
    "no cpu limit": [(f"{APP}.resources.limits.cpu", GONE)],
    "no resources": [(f"{APP}.resources", GONE)],
    "probe port": [(f"{APP}.livenessProbe.httpGet.port", 8081)],
    "probe port by name": [(f"{APP}.livenessProbe.httpGet.port", "http")],
    "probe period": [(f"{APP}.livenessProbe.periodSeconds", 30)],
    "missing probe time-out": [(f"{APP}.livenessProbe.timeoutSeconds", 5)],
    "missing probe": [
        (f"{APP}.startupProbe", {"tcpSocket": {"port": 8080}, "failureThreshold": 30})
    ],
    "probe by command": [
        (f"{APP}.livenessProbe.httpGet", GONE),
        (f"{APP}.livenessProbe.exec", {"command": ["/bin/check", "-v", "yes", "1"]}),
    ],
    "env value": [(f"{APP}.env[name=LOG_LEVEL].value", "on")],
    "env number": [(f"{APP}.env[name=WORKERS].value", "8")],
    "new env": [(f"{APP}.env[name=URL]", {"name": "URL", "value": "http://a: 1, b #c"})],
    "first env": [(f"{SIDECAR}.env", [{"name": "A", "value": "0o17"}])],
    "no env item": [(f"{APP}.env[name=LOG_LEVEL]", GONE)],
    "no env": [(f"{APP}.env[name=LOG_LEVEL]", GONE), (f"{APP}.env[name=WORKERS]", GONE)],
    "env from a secret": [
        (f"{APP}.env[name=WORKERS].value", GONE),
        (f"{APP}.env[name=WORKERS].valueFrom", {"secretKeyRef": {"name": "s", "key": "k"}}),
    ],
    "other nodes": [
        ("spec.template.spec.nodeSelector.pool", GONE),
        ("spec.template.spec.nodeSelector['example.com/zone']", "1"),
    ],
    "all nodes of a zone": [("spec.template.spec.nodeSelector", {"example.com/zone": "1"})],
    "all resources": [
        (
            f"{APP}.resources",
            {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi", "cpu": "1"}},
        )
    ],
    "other affinity": [
        (
            "spec.template.spec.affinity.podAntiAffinity",
            {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]},
        )
    ],
    "all env": [(f"{APP}.env", [{"name": "WORKERS", "value": "6"}, {"name": "B", "value": ""}])],
    "any node": [("spec.template.spec.nodeSelector.pool", GONE)],
    "selector key": [
        ("spec.selector.matchLabels.app", GONE),
        ("spec.selector.matchLabels.name", "shop"),
    ],
    "no annotation": [("metadata.annotations['example.com/team.owner']", GONE)],
    "argument": [(f"{APP}.args[1]", ":9090")],
    "more arguments": [(f"{APP}.args", ["--listen", ":8080", "--verbose"])],
    "other strategy": [("spec.strategy", {"type": "Recreate"})],
}
#: What a style makes impossible to change alone, and why.
REFUSED = {
    ("anchored.yaml", "probe port"): "ANCHOR_FANOUT",
    ("anchored.yaml", "probe port by name"): "ANCHOR_FANOUT",
    ("anchored.yaml", "probe by command"): "ANCHOR_FANOUT",
}


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    doc: int

    def read(self, version: str, text: str) -> list[Any]:
        return list(yaml.load_all(text.removeprefix("\ufeff"), Loader=READERS[version]))


def case(name: str) -> Case:
    text = (FOLDER / name).read_bytes().decode()
    documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    return Case(text, next(n for n, d in enumerate(documents) if d["kind"] == "Deployment"))


def as_list(given: Case) -> Case:
    """The workload inside a ``kind: List``."""
    body = given.text.rpartition("---\n")[2]
    lines = "".join(f"    {line}" for line in body.splitlines(keepends=True))
    return Case("apiVersion: v1\nkind: List\nitems:\n  - " + lines.lstrip(), 0)


CASES: dict[str, Case] = {path.name: case(path.name) for path in sorted(FOLDER.iterdir())}
CASES |= {
    f"{name}, CRLF": Case(CASES[name].text.replace("\n", "\r\n"), CASES[name].doc)
    for name in ("plain.yaml", "indented.yaml", "flow.yaml")
}
CASES |= {
    f"{name}, byte order mark": Case("\ufeff" + CASES[name].text, CASES[name].doc)
    for name in ("plain.yaml", "deployment.json")
}
CASES |= {
    f"{name}, no final line break": Case(CASES[name].text.rstrip("\n"), CASES[name].doc)
    for name in ("plain.yaml", "flow.yaml", "deployment.json")
}
CASES["one line of JSON"] = Case(json.dumps(json.loads(CASES["deployment.json"].text)), 0)
CASES["List"] = as_list(CASES["plain.yaml"])


def wished(obj: Any, fix: list[tuple[str, Any]]) -> tuple[FieldChange, ...]:
    fields: list[FieldChange] = []
    for path, after in fix:
        before = paths.find(obj, path, GONE)
        if after is GONE:
            fields.append(FieldChange(op="remove", path=path, before=before))
        elif before is GONE:
            fields.append(FieldChange(op="add", path=path, after=after))
        else:
            fields.append(FieldChange(path=path, before=before, after=after))
    return tuple(fields)


@pytest.mark.parametrize("style", CASES)
def test_every_fix_changes_its_lines_and_nothing_else(style: str, tmp_path: Path) -> None:
    given = CASES[style]
    patches: list[tuple[str, Patched]] = []
    refused: dict[tuple[str, str], str] = {}
    for name, fix in FIXES.items():
        there = [(f"items[0].{path}" if style == "List" else path, after) for path, after in fix]
        fields = wished(given.read("1.1", given.text)[given.doc], there)
        try:
            edits = edits_of(given, fields)
            done = amend(given.text, edits)
        except NotEditable as reason:
            refused[style, name] = reason.code
            continue
        judge(given, fields, edits, done, name)
        patches.append((name, done))
    assert refused == {key: code for key, code in REFUSED.items() if key[0] == style}
    git_agrees(given.text, patches, tmp_path)


def edits_of(given: Case, fields: tuple[FieldChange, ...]) -> tuple[Edit, ...]:
    change = KubernetesChange(object=ObjectRef(kind="Deployment", name="shop"), fields=fields)
    return plan_edits.edits_of(change, reading.read(given.text.removeprefix("\ufeff"))[given.doc])


def judge(
    given: Case, fields: tuple[FieldChange, ...], edits: tuple[Edit, ...], done: Patched, name: str
) -> None:
    for version in READERS:
        expected = given.read(version, given.text)
        expected[given.doc] = changes.apply(fields, expected[given.doc])
        assert given.read(version, done.text) == expected, (name, version)
    assert patch(done.text, edits) == done.text, name
    assert apply_splices(done.text, done.inverse) == given.text, name
    assert done.text.startswith("\ufeff") == given.text.startswith("\ufeff")
    assert done.text.endswith("\n") == given.text.endswith("\n"), name
    assert (done.text.count("\r\n") == done.text.count("\n")) == (
        given.text.count("\r\n") == given.text.count("\n")
    )
    if given.text.removeprefix("\ufeff").startswith("{"):
        json.loads(done.text.removeprefix("\ufeff"))
    at = len(split(given.text)) - sum(len(c.old) for c in done.changes)
    assert at == len(split(done.text)) - sum(len(c.new) for c in done.changes), name


def git_agrees(text: str, patches: list[tuple[str, Patched]], folder: Path) -> None:
    """One ``git apply`` of all diffs, each for its own copy of the file."""
    git = ["git", "-C", str(folder), "-c", "core.autocrlf=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    diff = ""
    for name, done in patches:
        (folder / name).write_bytes(text.encode())
        diff += unified(name, text, done.changes)
    stat = subprocess.run(
        [*git, "apply", "--numstat", "-z"], input=diff.encode(), capture_output=True, check=True
    )
    counted = [line.split("\t")[:2] for line in stat.stdout.decode().split("\0") if line]
    assert counted == [[str(done.added), str(done.removed)] for _, done in patches]
    subprocess.run([*git, "apply"], input=diff.encode(), check=True)
    for name, done in patches:
        assert (folder / name).read_bytes() == done.text.encode(), name


VALUES = """\
# Values of the shop. A name is generated by the fullname template when empty.
replicaCount: 2   # by day
image: {repository: registry.example.com/shop, tag: "1.4"}
resources: {}
  # limits:
  #   cpu: 100m
nodeSelector:
  pool: spot
env:
  - {name: A, value: "{{ .Release.Name }}"}
ingress:
  host: '{{ .Values.domain }}'
  annotations:
autoscaling:
  enabled: false
"""


@pytest.mark.parametrize("head", ["", "kind: HelmRelease\nspec:\n  values:\n"])
def test_values_are_edited_like_any_other_file(head: str, tmp_path: Path) -> None:
    text = head + "".join(
        f"    {line}" if head else line for line in VALUES.splitlines(keepends=True)
    )
    given = Case(text, 0)
    patches: list[tuple[str, Patched]] = []
    for name, fix in {
        "count": [("replicaCount", 3)],
        "tag": [("image.tag", "1.10")],
        "digest": [("image.digest", "sha256:0")],
        "limits": [("resources", {"limits": {"cpu": "1"}}), ("autoscaling.enabled", True)],
        "nodes": [("nodeSelector.pool", GONE), ("nodeSelector.zone", "a")],
        "annotation": [("ingress.annotations", {"a.b/c": "1e3"})],
        "env": [("env[name=B]", {"name": "B", "value": "no"})],
        "new": [("shop.settings", {"x": [1, 2], "empty": {}})],
    }.items():
        there = [(f"spec.values.{path}" if head else path, after) for path, after in fix]
        fields = wished(given.read("1.1", text)[0], there)
        edits = edits_of(given, fields)
        done = amend(text, edits)
        judge(given, fields, edits, done, name)
        patches.append((name, done))
    git_agrees(text, patches, tmp_path)


def test_a_replaced_value_is_one_line_and_an_inserted_one_is_no_removed_line() -> None:
    given = CASES["plain.yaml"]
    document = reading.read(given.text)[given.doc]
    for path, value, counts in [
        ("spec.replicas", 5, (1, 1)),
        (f"{APP}.image", "x:1", (1, 1)),
        (f"{APP}.livenessProbe.timeoutSeconds", 5, (1, 0)),
        (f"{SIDECAR}.resources.limits.memory", "64Mi", (3, 0)),
        (f"{APP}.env[name=A].value", "1", (2, 0)),
    ]:
        done = amend(given.text, plan_edits.set_values(document, {path: value}))
        assert (done.added, done.removed) == counts, path
