"""A file of a tree is parsed once: whoever asks for it afterwards gets what is known, and nobody changes that."""

from __future__ import annotations

import copy

import pytest

from manifests.proposal.propose import EditBase, EditProposal, propose_on
from manifests.refused import EditRefused, NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.declared import declared_objects, values_of
from manifests.repository.index import Blobs, RepositoryIndex, build
from manifests.repository.indexes import Indexes
from manifests.repository.locate import Hints
from manifests.text import read
from manifests.text.readings import Readings
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange
from tests.support.parses import counted

API = ObjectRef(api_version="apps/v1", kind="Deployment", namespace="shop", name="api")
MEMORY = "spec.template.spec.containers[name=app].resources.limits.memory"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: app
        image: registry.example.com/api:1
        resources: {limits: {memory: 128Mi}}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: app
        resources:
          limits:
            memory: 129Mi
"""
APPLICATIONS = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: clusters}
spec:
  generators:
  - git: {files: [{path: clusters/*.yaml}]}
  template:
    metadata: {name: 'shop-{{ env }}'}
    spec:
      destination: {namespace: shop}
      source: {path: 'overlays/{{ env }}', repoURL: 'https://gitlab.example.com/shop/deploy.git'}
"""
HELMFILE = "releases:\n- {name: cart, namespace: shop, chart: ./charts/cart, values: [cart.yaml]}\n"
REPOSITORY = {
    "base/deployment.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "overlays/production/kustomization.yaml": "resources: [../../base]\npatches:\n- path: memory.yaml\n",
    "overlays/production/memory.yaml": PATCH,
    "overlays/staging/kustomization.yaml": "namespace: staging\nresources: [../../base]\n",
    "argocd/clusters.yaml": APPLICATIONS,
    "clusters/production.yaml": "env: production\n",
    "clusters/staging.yaml": "env: staging\n",
    "helmfile.yaml": HELMFILE,
    "cart.yaml": "replicaCount: 2\n",
    "charts/cart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
    "charts/cart/values.yaml": "replicaCount: 1\n",
    "fleet.yaml": "defaultNamespace: shop\nhelm: {chart: charts/cart}\n",
    "skaffold.yaml": "apiVersion: skaffold/v4beta6\nkind: Config\nmanifests: {rawYaml: [other/*.yaml]}\n",
}


def proposed(index: RepositoryIndex, before: str = "129Mi", after: str = "256Mi") -> EditProposal:
    change = KubernetesChange(
        object=API, fields=(FieldChange(path=MEMORY, before=before, after=after),)
    )
    base = EditBase("shop/deploy", "main", "c", {})
    found = propose_on(index, [change], base, Hints("production"), BuiltIn())
    assert not isinstance(found, EditRefused), found
    return found


def test_three_plans_on_one_tree_parse_each_of_its_files_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parses = counted(monkeypatch)
    index = build(REPOSITORY)
    proposals = [proposed(index, after=after) for after in ("192Mi", "256Mi", "512Mi")]
    assert {p.proof.verdict for p in proposals} == {"pass"}
    found = parses.of(REPOSITORY)
    # The overlays, their base and what installs them had to be read, or nothing was counted here.
    assert {"base/deployment.yaml", "overlays/production/memory.yaml", "fleet.yaml"} <= set(found)
    assert set(found.values()) == {1}


def test_what_the_edit_leaves_is_parsed_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    parses = counted(monkeypatch)
    (edit,) = proposed(build(REPOSITORY)).edits
    assert parses.of({edit.path: edit.after}) == {edit.path: 1}


def test_a_new_commit_parses_what_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs()
    proposed(build(REPOSITORY, blobs))
    parses = counted(monkeypatch)
    changed = {"overlays/production/memory.yaml": PATCH.replace("129Mi", "130Mi")}
    proposed(build(REPOSITORY | changed, blobs), before="130Mi", after="300Mi")
    assert parses.of(REPOSITORY | changed) == {"overlays/production/memory.yaml": 1}


def test_a_file_that_cannot_be_read_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parses = counted(monkeypatch)
    broken = {"broken.yaml": "kind: Deployment\nname: api\n  a: [\n"}
    index = build(REPOSITORY | broken)
    for _ in range(3):
        proposed(index)
        with pytest.raises(NotEditable):
            index.documents("broken.yaml")
        with pytest.raises(NotEditable):
            index.parsed("broken.yaml")
    assert parses.of(broken) == {"broken.yaml": 1}


def test_nobody_changes_what_everybody_reads() -> None:
    index = build(REPOSITORY)
    before = {path: copy.deepcopy([d.tree for d in index.parsed(path)]) for path in REPOSITORY}
    (edit,) = proposed(index).edits
    for path, text in (REPOSITORY | {edit.path + "#after": edit.after}).items():
        fresh = [document.tree for document in read.read(text)]
        assert [document.tree for document in index.readings.read(text)] == fresh, path
    assert before == {path: [d.tree for d in index.parsed(path)] for path in REPOSITORY}


def test_of_what_only_says_who_deploys_no_nodes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    parses = counted(monkeypatch)
    index = build(REPOSITORY)
    for _ in range(2):
        assert [path for path, _ in declared_objects(index, "applicationset")] == [
            "argocd/clusters.yaml"
        ]
    assert parses.counts[APPLICATIONS] == 1
    assert index.documents("argocd/clusters.yaml") is index.documents("argocd/clusters.yaml")
    assert parses.counts[APPLICATIONS] == 2


def test_what_tools_own_declares_nothing_however_it_was_read_before() -> None:
    made = {"made.yaml": f"# Code generated by a tool. DO NOT EDIT.\n{APPLICATIONS}"}
    for read_before in (False, True):
        index = build(made)
        if read_before:
            index.parsed("made.yaml")
        for _ in range(2):
            assert list(declared_objects(index, "applicationset")) == []
        assert len(values_of(index, "made.yaml")) == 1


def test_the_guards_of_edited_files_are_asked_though_a_file_was_only_read_before() -> None:
    index = build({"made.yaml": "# Code generated by a tool. DO NOT EDIT.\na: 1\n"})
    assert len(index.parsed("made.yaml")) == 1
    for _ in range(2):
        with pytest.raises(NotEditable) as refused:
            index.documents("made.yaml")
        assert refused.value.code == "GENERATED"


def test_one_commit_has_one_index_and_few_are_kept() -> None:
    files = {path: text.encode() for path, text in REPOSITORY.items()}
    indexes = Indexes(most=2)

    def of(commit: str, project: str = "shop/deploy") -> RepositoryIndex:
        return indexes.of(files, project=project, branch="main", commit=commit)

    first = of("a" * 40)
    assert of("a" * 40) is first
    assert of("b" * 40) is not first
    assert of("a" * 40, project="shop/other") is not first  # and the first commit goes
    assert of("a" * 40) is not first
    assert first.readings is of("b" * 40).readings is indexes.readings


def test_an_index_says_what_was_left_out_of_its_files() -> None:
    index = Indexes().of(
        {"a.yaml": b"a: 1\n"},
        project="p",
        branch="",
        commit="c",
        skipped={"b.yaml": "it is a symlink"},
        links={"b.yaml": "a.yaml"},
    )
    assert index.unreadable["b.yaml"].code == "UNSAFE_PATH"
    assert (index.links, index.branches) == ({"b.yaml": "a.yaml"}, ())


def test_readings_keep_no_more_characters_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = Readings(most_chars=100)
    texts = [f"a: {'x' * 40}{n}\n" for n in range(4)]
    parses = counted(monkeypatch)
    for text in texts:
        readings.read(text)
        readings.read(text)
    assert set(parses.counts.values()) == {1}
    readings.read(texts[0])  # it went first
    assert parses.counts[texts[0]] == 2
    assert parses.counts[texts[3]] == 1
    big = f"a: {'x' * 400}\n"
    assert readings.read(big) is readings.read("\ufeff" + big)
