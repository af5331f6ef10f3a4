"""The proof by rendering, with the built-in renderer: only the planned field of the planned object, and nowhere else."""

from __future__ import annotations

import pytest
import yaml

from manifests.proposal.proof import EditProof, ExpectedRendering, prove
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import build
from manifests.repository.rendering import KustomizeBuild, NotRendered, compare, expected
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
CPU = "spec.template.spec.containers[name=app].resources.limits.cpu"
BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: app
        image: registry.example.com/api:1.0
        resources:
          limits:
            cpu: 500m
      - name: proxy
        image: registry.example.com/proxy:1.0
---
apiVersion: v1
kind: Service
metadata:
  name: api
spec:
  ports:
  - port: 80
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: app
        resources:
          limits:
            cpu: 600m
"""
FILES = {
    "base/api.yaml": BASE,
    "base/kustomization.yaml": "resources: [api.yaml]\n",
    "overlays/prod/kustomization.yaml": (
        "namespace: shop\nresources: [../../base]\npatches: [{path: cpu.yaml}]\n"
        "images: [{name: registry.example.com/api, newTag: '1.1'}]\n"
    ),
    "overlays/prod/cpu.yaml": PATCH,
    "overlays/staging/kustomization.yaml": "namespace: shop\nresources: [../../base]\n",
    "plain/one.yaml": BASE,
}


def proof(
    changed: dict[str, str], *fields: FieldChange, files: dict[str, str] | None = None
) -> EditProof:
    index = build(files or FILES)
    wanted = ExpectedRendering([KubernetesChange(object=API, fields=fields)])
    with BuiltIn().open(index.files) as bench:
        return prove(index, changed, wanted, bench)


RAISE = FieldChange(path=CPU, before="600m", after="1")


def test_an_overlays_patch_is_proven_and_its_neighbours_are_seen_unchanged() -> None:
    done = proof({"overlays/prod/cpu.yaml": PATCH.replace("600m", '"1"')}, RAISE)
    assert done.verdict == "pass", done
    assert done.numbers["unchanged"] == "overlays/staging"
    rendered = done.objects[API.key]
    first = rendered["spec"]["template"]["spec"]["containers"][0]
    assert first["image"] == "registry.example.com/api:1.1"
    assert first["resources"]["limits"]["cpu"] == "1"
    assert rendered["metadata"]["namespace"] == "shop"


def test_a_change_of_a_shared_base_shows_up_in_the_other_overlay() -> None:
    changed = {"base/api.yaml": BASE.replace("replicas: 2", "replicas: 3")}
    done = proof(changed, FieldChange(path="spec.replicas", before=2, after=3))
    assert done.verdict == "fail"
    assert "overlays/prod" in done.reason
    assert "overlays/staging" in done.reason


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("overlays/prod/cpu.yaml", "cpu: 600m", "cpu: 700m", "changes in spec.template.spec"),
        (
            "overlays/prod/cpu.yaml",
            "cpu: 600m",
            'cpu: "1"\n            memory: 1Gi',
            "changes in spec.template.spec",
        ),
        ("overlays/prod/kustomization.yaml", "'1.1'", "'1.2'", "changes in spec.template.spec"),
        ("overlays/prod/kustomization.yaml", "namespace: shop", "namespace: other", "appears"),
    ],
)
def test_anything_but_the_planned_field_fails(file: str, old: str, new: str, words: str) -> None:
    done = proof({file: FILES[file].replace(old, new)}, RAISE)
    assert done.verdict == "fail"
    assert words in done.reason


def test_an_edit_that_a_patch_hides_changes_nothing_and_fails() -> None:
    files = FILES | {
        "overlays/staging/kustomization.yaml": FILES["overlays/prod/kustomization.yaml"]
    }
    files["overlays/staging/cpu.yaml"] = PATCH
    changed = {"base/api.yaml": BASE.replace("500m", "900m")}
    done = proof(changed, FieldChange(path=CPU, before="500m", after="900m"), files=files)
    assert (done.verdict, done.reason) == ("fail", f"nothing changes for {API.key}")


def test_what_the_built_in_renderer_does_not_know_is_unknown_and_not_a_pass() -> None:
    files = FILES | {
        "overlays/prod/kustomization.yaml": FILES["overlays/prod/kustomization.yaml"]
        + "namePrefix: x-\n"
    }
    done = proof({"overlays/prod/cpu.yaml": PATCH.replace("600m", '"1"')}, RAISE, files=files)
    assert done.verdict == "unknown"
    assert "namePrefix" in done.reason


def test_a_plain_file_is_compared_document_by_document() -> None:
    change = FieldChange(path=CPU, before="500m", after="1")
    good = BASE.replace("cpu: 500m", "cpu: 1")
    assert proof({"plain/one.yaml": good}, change).verdict == "pass"
    more = good.replace("port: 80", "port: 81")
    assert proof({"plain/one.yaml": more}, change).verdict == "fail"
    fewer = good.partition("---\n")[0]
    assert proof({"plain/one.yaml": fewer}, change).verdict == "fail"


def test_a_new_patch_file_is_proven_too() -> None:
    staging = FILES["overlays/staging/kustomization.yaml"] + "patches: [{path: cpu.yaml}]\n"
    changed = {
        "overlays/staging/kustomization.yaml": staging,
        "overlays/staging/cpu.yaml": PATCH.replace("600m", "900m"),
    }
    assert proof(changed, FieldChange(path=CPU, before="500m", after="900m")).verdict == "pass"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("resources: ['https://example.com/all.yaml']", "elsewhere"),
        ("resources: ['github.com/example/repo//base?ref=v1']", "elsewhere"),
        ("resources: ['git@example.com:x/y.git']", "elsewhere"),
        ("resources: [../../../outside]", "out of the repository"),
        ("resources: [/etc]", "out of the repository"),
        ("bases: ['ssh://example.com/x']", "elsewhere"),
        ("components: ['https://example.com/c']", "elsewhere"),
        ("patches: [{path: 'https://example.com/p.yaml'}]", "elsewhere"),
        ("transformers: ['https://example.com/t']", "elsewhere"),
        ("openapi: {path: 'https://example.com/s.json'}", "elsewhere"),
        ("configMapGenerator: [{name: x, files: ['a=http://127.0.0.1/a']}]", "elsewhere"),
        ("secretGenerator: [{name: x, envs: ['http://127.0.0.1/a']}]", "elsewhere"),
        ("generators: [plugin.yaml]", "elsewhere"),
        ('transformers: ["kind: X\\nurl: http://127.0.0.1/a\\n"]', "elsewhere"),
        ("Resources: ['https://example.com/all.yaml']", "spells resources"),
        ("RESOURCES: ['https://example.com/all.yaml']", "spells resources"),
        ("patches: [{Path: 'https://example.com/p.yaml'}]", "spells path"),
        ("<<: {resources: ['https://example.com/all.yaml']}", "merge key"),
        ("patches: [{<<: {path: 'https://example.com/p.yaml'}}]", "merge key"),
        ("helmCharts: [{name: x, repo: 'https://example.com'}]", "inflates"),
    ],
)
def test_nothing_is_built_from_elsewhere(entry: str, words: str) -> None:
    plugin = "kind: ConfigMapGenerator\nfiles: ['http://127.0.0.1/x']\n"
    files = {"app/x.yaml": BASE, "app/plugin.yaml": plugin, "app/kustomization.yaml": entry + "\n"}
    nested = files | {"top/kustomization.yaml": "resources: [../app]\n"}
    for folder in ("app", "top"):
        with BuiltIn().open(nested) as bench, pytest.raises(NotRendered, match=words):
            bench.render(KustomizeBuild(folder))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x]\n"
        + "".join(
            f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)
        ),
        "[" * 500 + "]" * 500,
    ],
)
def test_a_bomb_in_a_kustomization_is_refused(text: str) -> None:
    files = {"app/kustomization.yaml": text}
    with BuiltIn().open(files) as bench, pytest.raises(NotRendered):
        bench.render(KustomizeBuild("app"))


def test_kustomizations_in_a_circle_end() -> None:
    files = {
        "a/kustomization.yaml": "resources: [../b]\n",
        "b/kustomization.yaml": "resources: [../a]\n",
    }
    with BuiltIn().open(files) as bench, pytest.raises(NotRendered, match="circle"):
        bench.render(KustomizeBuild("a"))


def test_documents_are_compared_as_sets_whatever_their_order() -> None:
    one, two = (yaml.safe_dump({"kind": "A", "metadata": {"name": n}}) for n in "xy")
    assert compare(f"{one}---\n{two}", f"# Source: c/t.yaml\n{two}---\n{one}") == []


def test_the_expected_object_is_made_from_what_is_rendered() -> None:
    item = yaml.safe_load_all(BASE)
    deployment = next(iter(item))
    after = expected(
        deployment,
        [
            FieldChange(
                op="add",
                path="spec.template.spec.containers[name=app].env[name=A]",
                after={"value": "1"},
            )
        ],
    )
    assert after["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "A", "value": "1"}
    ]
    assert "env" not in deployment["spec"]["template"]["spec"]["containers"][0]
    gone = expected(after, [FieldChange(op="remove", path=CPU, before="500m")])
    assert gone["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] == {}
