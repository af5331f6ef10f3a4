"""An edit is made only where what is deployed changes: other revisions, other repositories, files that are left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfix.offline.checkout import branches_of
from manifests import propose
from manifests.proposal.propose import EditBase, propose_on, set_fields
from manifests.refused import EditRefused, NotEditable
from manifests.render.plain_kustomize import BuiltIn
from manifests.repository.index import RepositoryIndex, build
from manifests.repository.installers import read_map
from manifests.repository.locate import Hints
from schemas.base import ObjectRef
from schemas.plans import FieldChange, KubernetesChange

API = ObjectRef.parse("Deployment/shop/api")
URL = "https://git.example/shop/deploy.git"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec: {replicas: 2, template: "
    "{spec: {containers: [{name: api, image: 'a:1'}]}}}\n"
)


def application(
    revision: str = "main", *, name: str = "api", url: str = URL, path: str = "k8s", more: str = ""
) -> str:
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\n"
        "spec:\n  destination: {name: prod, namespace: shop}\n"
        f"  source:\n    repoURL: {url}\n    path: {path}\n    targetRevision: '{revision}'\n{more}"
    )


def files(*applications: str, path: str = "k8s/api.yaml") -> dict[str, str]:
    apps = {f"argocd/prod-{number}.yaml": text for number, text in enumerate(applications)}
    return {path: DEPLOYMENT, **apps}


def edited(index: RepositoryIndex, environment: str = "unknown") -> str:
    """The file that an edit changes, or why there is none."""
    try:
        found = set_fields(index, API, {"spec.replicas": 3}, Hints(environment), BuiltIn())
    except NotEditable as refused:
        return f"{refused.code}: {refused.reason}"
    return ", ".join(edit.path for edit in found)


@pytest.mark.parametrize("revision", ["", "HEAD", "main", "refs/heads/main", "${BRANCH}"])
def test_an_application_of_the_edited_branch_gets_the_edit(revision: str) -> None:
    assert edited(build(files(application(revision)), branches=("main",))) == "k8s/api.yaml"


@pytest.mark.parametrize("branches", [(), ("main",)], ids=["branch unknown", "branch known"])
@pytest.mark.parametrize(
    "revision",
    ["release", "v1.2.3", "1.x", ">=1.0.0", "~1.2", "refs/tags/prod", "release/1.0", "a" * 40],
)
def test_an_edit_is_refused_where_the_only_application_deploys_another_revision(
    revision: str, branches: tuple[str, ...]
) -> None:
    said = edited(build(files(application(revision)), branches=branches))
    assert said.startswith("NOT_FOUND"), said
    assert "Application/argocd/api in argocd/prod-0.yaml" in said
    assert revision in said


def test_main_is_another_branch_where_develop_is_edited() -> None:
    texts = files(application("main"))
    assert "revision main" in edited(build(texts, branches=("develop",)))
    assert edited(build(texts, branches=("develop", "main"))) == "k8s/api.yaml"


def test_of_two_applications_the_one_that_cannot_read_the_branch_does_not_count() -> None:
    texts = files(application("main", name="now"), application("v1.2.3", name="pinned"))
    # Both are production's: the pinned one makes the object there too, and would not change.
    assert "would not change" in edited(build(texts, branches=("main",)), "prod")
    texts["argocd/prod-1.yaml"] = texts["argocd/prod-1.yaml"].replace("name: prod,", "name: dev,")
    apart = build({**texts, "argocd/dev.yaml": texts.pop("argocd/prod-1.yaml")})
    assert edited(apart, "prod") == "k8s/api.yaml"


def test_of_two_applications_one_of_a_branch_that_may_be_edited_still_counts() -> None:
    texts = files(application("main", name="now"), application("develop", name="next"))
    assert "would change in 2 places" in edited(build(texts))


def test_a_plan_is_judged_by_the_branch_that_its_merge_request_is_for() -> None:
    change = KubernetesChange(
        object=API, fields=(FieldChange(path="spec.replicas", before=2, after=3),)
    )
    for ref, made in (("main", False), ("release", True)):
        found = propose(
            files(application("release")),
            [change],
            environment="unknown",
            project="shop/deploy",
            ref=ref,
        )
        assert isinstance(found, list) is made, found
    index = build(files(application("release")), branches=("main",))
    proposal = propose_on(index, [change], EditBase("", "main", "", {}), Hints(), BuiltIn())
    assert not isinstance(proposal, EditRefused)
    assert proposal.proof.verdict == "fail"
    assert "revision release" in proposal.proof.reason


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: api, namespace: argocd}
spec:
  generators: [GENERATOR]
  template:
    metadata: {name: 'api-{{env}}'}
    spec:
      destination: {name: '{{env}}', namespace: shop}
      source: {repoURL: x, path: k8s, targetRevision: REVISION}
"""


@pytest.mark.parametrize(
    "generator", ["list: {elements: [{env: prod, tag: v1.0.0}]}", "clusters: {}"]
)
def test_an_application_set_says_the_revision_in_its_template(generator: str) -> None:
    texts = files(SET.replace("GENERATOR", generator).replace("REVISION", "release"))
    assert "revision release" in edited(build(texts, branches=("main",)))


def test_an_application_set_fills_the_revision_in() -> None:
    generator = "list: {elements: [{env: prod, tag: v1.0.0}]}"
    texts = files(SET.replace("GENERATOR", generator).replace("REVISION", "'{{tag}}'"))
    assert "revision v1.0.0" in edited(build(texts))


def flux(ref: str, url: str = URL) -> dict[str, str]:
    return {
        "k8s/api.yaml": DEPLOYMENT,
        "clusters/prod/apps.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        "metadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./k8s\n"
        "  sourceRef: {kind: GitRepository, name: deploy}\n",
        "clusters/prod/source.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
        f"metadata: {{name: deploy, namespace: flux-system}}\nspec: {{url: {url}, ref: {ref}}}\n",
    }


@pytest.mark.parametrize(
    ("ref", "read"),
    [
        ("{}", True),
        ("{branch: main}", True),
        ("{name: refs/heads/main}", True),
        ("{branch: release}", False),
        ("{branch: main, tag: v1.0.0}", False),
        ("{branch: main, semver: '>=1.0.0'}", False),
        ("{branch: main, commit: 6a1f}", False),
        ("{name: refs/tags/v1}", False),
    ],
)
def test_flux_reads_the_revision_of_its_git_repository(ref: str, read: bool) -> None:
    said = edited(build(flux(ref), branches=("main",)))
    assert (said == "k8s/api.yaml") is read, said
    assert read or "Flux's Kustomization apps" in said


def test_of_git_repositories_of_one_name_the_nearest_is_meant() -> None:
    texts = flux("{branch: main}")
    far = texts["clusters/prod/source.yaml"].replace("main", "develop")
    texts |= {"clusters/dev/source.yaml": far}
    assert edited(build(texts, branches=("main",))) == "k8s/api.yaml"
    texts["clusters/prod/source.yaml"], texts["clusters/dev/source.yaml"] = (
        far,
        texts["clusters/prod/source.yaml"],
    )
    assert "revision develop" in edited(build(texts, branches=("main",)))


@pytest.mark.parametrize(
    ("url", "read"),
    [
        (URL, True),
        ("git@git.example:shop/deploy.git", True),
        ("ssh://git@git.example:22/Shop/Deploy", True),
        ("https://git.example/gitlab/shop/deploy/", True),
        ("https://user:word@git.example/team/orders.git", False),
        ("https://git.example/team/deploy.git", False),
    ],
)
def test_an_application_of_another_repository_reads_no_file_of_this_one(
    url: str, read: bool
) -> None:
    for texts in (files(application(url=url)), flux("{branch: main}", url)):
        said = edited(build(texts, project="shop/deploy", branches=("main",)))
        assert (said == "k8s/api.yaml") is read, said
        assert read or "from the repository team/" in said
        assert "word" not in said


def test_the_root_folder_of_another_repository_says_nothing_of_this_one() -> None:
    texts = files(
        application(url="https://git.example/team/orders.git", path=".", more="    directory: {}\n")
    )
    assert edited(build(texts, project="shop/deploy")) == "k8s/api.yaml"


def test_without_a_known_repository_the_one_that_most_applications_name_is_it() -> None:
    others = {
        f"apps/{name}.yaml": application(name=name, path=f"other/{name}") for name in ("a", "b")
    }
    others |= {f"other/{name}/x.yaml": "kind: ConfigMap\n" for name in ("a", "b")}
    texts = files(application(url="https://git.example/team/orders.git")) | others
    assert "from the repository team/orders" in edited(build(texts))
    # One against one: nobody can tell.
    del texts["apps/b.yaml"]
    assert edited(build(texts)) == "k8s/api.yaml"


@pytest.mark.parametrize(
    ("directory", "path", "said"),
    [
        ("{recurse: true}", "k8s/eu/api.yaml", ""),
        ("{recurse: false}", "k8s/eu/api.yaml", "directory.recurse"),
        ("{jsonnet: {}}", "k8s/eu/api.yaml", "directory.recurse"),
        ("{exclude: api.yaml}", "k8s/api.yaml", "directory.exclude"),
        ("{exclude: '{web.yaml,a*.yaml}'}", "k8s/api.yaml", "directory.exclude"),
        ("{recurse: true, exclude: '*/api.yaml'}", "k8s/eu/x/api.yaml", "directory.exclude"),
        ("{recurse: true, exclude: 'eu/*'}", "k8s/us/api.yaml", ""),
        ("{exclude: '[!a]*'}", "k8s/api.yaml", ""),
        ("{include: '*.yml'}", "k8s/api.yaml", "directory.include"),
        ("{include: 'ap?.yaml'}", "k8s/api.yaml", ""),
        ("{include: '*.yaml', exclude: 'api*'}", "k8s/api.yaml", "directory.exclude"),
        ("{include: '{a'}", "k8s/api.yaml", "directory.include"),
    ],
)
def test_a_file_that_argo_leaves_out_is_not_edited(directory: str, path: str, said: str) -> None:
    texts = files(application(more=f"    directory: {directory}\n"), path=path)
    found = edited(build(texts))
    assert (found == path) if not said else (said in found), found
    assert not said or "Application/argocd/api in argocd/prod-0.yaml" in found


def test_a_file_that_one_application_leaves_out_is_edited_for_another_that_applies_it() -> None:
    texts = files(
        application(name="rest", more="    directory: {exclude: api.yaml}\n"),
        application(name="api", more="    directory: {include: api.yaml}\n"),
    )
    assert edited(build(texts)) == "k8s/api.yaml"


CHART = {
    "charts/api/Chart.yaml": "apiVersion: v2\nname: api\nversion: 1.0.0\n",
    "charts/api/values.yaml": "replicaCount: 2\n",
    "values/prod.yaml": "replicaCount: 4\n",
}


def test_values_lent_by_another_revision_are_not_read_here_and_the_chart_is() -> None:
    sources = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api, namespace: argocd}\nspec:\n"
        "  destination: {namespace: shop}\n  sources:\n"
        "  - {repoURL: x, path: charts/api, targetRevision: main, helm: {valueFiles: [$v/values/prod.yaml]}}\n"
        "  - {repoURL: x, ref: v, targetRevision: release}\n"
    )
    whole = read_map(build({**CHART, "app.yaml": sources}, branches=("main",)))
    assert "revision release" in whole.undeployed("values/prod.yaml", plain=False)
    assert whole.undeployed("charts/api/values.yaml", plain=False) == ""
    elsewhere = sources.replace(
        "path: charts/api, targetRevision: main", "chart: api, targetRevision: 1.0.0"
    )
    whole = read_map(build({**CHART, "app.yaml": elsewhere.replace("release", "main")}))
    assert whole.undeployed("values/prod.yaml", plain=False) == ""


def test_an_overlay_inside_of_what_another_revision_deploys_is_not_deployed_by_itself() -> None:
    texts = {
        "overlays/prod/api.yaml": DEPLOYMENT,
        "overlays/prod/kustomization.yaml": "resources: [api.yaml]\n",
        "overlays/prod-eu/kustomization.yaml": "resources: [../prod]\n",
        "argocd/eu.yaml": application("v1.2.3", path="overlays/prod-eu"),
    }
    assert "revision v1.2.3" in edited(build(texts))
    del texts["argocd/eu.yaml"]
    assert "NOT_FOUND" not in edited(build(texts))


def test_a_checkout_says_which_branches_an_edit_may_go_to(tmp_path: Path) -> None:
    assert branches_of(tmp_path) == ()
    (tmp_path / ".git").mkdir()
    for said, found in (
        ("ref: refs/heads/main\n", ("main",)),
        ("ref: refs/heads/fix/api\n", ("fix/api", "main", "master")),
        ("6a1f" * 10 + "\n", ()),
    ):
        (tmp_path / ".git" / "HEAD").write_text(said)
        assert branches_of(tmp_path) == found
