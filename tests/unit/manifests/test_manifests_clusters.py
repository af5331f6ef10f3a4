"""Of places for several clusters the one that is asked for is edited, and another cluster's never in its place."""

from __future__ import annotations

import pytest

from manifests.proposal.propose import set_fields
from manifests.refused import EditRefused, NotEditable
from manifests.repository import locate
from manifests.repository.environments import PlaceNames, closeness, in_cluster, of_cluster, speaks
from manifests.repository.index import build
from manifests.repository.locate import Hints
from schemas.base import ObjectRef

REF = ObjectRef(kind="Deployment", namespace="shop", name="cart")
DEPLOYMENT = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
"""
EU = PlaceNames(cluster=("prod-eu", "eks-eu"), other_clusters=("prod-us", "eks-us"))


def found(paths: list[str], names: PlaceNames, environment: str = "production") -> str:
    """The path that is edited, or the code of the refusal."""
    index = build(dict.fromkeys(paths, DEPLOYMENT))
    try:
        place = locate.locate(REF, index, Hints(names.asked(environment)))
    except NotEditable as refused:
        return refused.code
    return place.code if isinstance(place, EditRefused) else place.path


CASES: list[tuple[list[str], PlaceNames, str]] = [
    (
        ["clusters/prod-eu/cart.yaml", "clusters/prod-us/cart.yaml"],
        EU,
        "clusters/prod-eu/cart.yaml",
    ),
    (["clusters/eks-us/cart.yaml", "clusters/eks-eu/cart.yaml"], EU, "clusters/eks-eu/cart.yaml"),
    (["eu/prod/cart.yaml", "us/prod/cart.yaml"], EU, "AMBIGUOUS_DOC"),
    (["clusters/prod-us/cart.yaml"], EU, "NOT_FOUND"),
    (["clusters/prod-us/cart.yaml", "clusters/staging/cart.yaml"], EU, "NOT_FOUND"),
    (["prod/cart.yaml", "clusters/prod-us/cart.yaml"], EU, "prod/cart.yaml"),
    (
        ["prod-eu/staging/cart.yaml", "prod-eu/production/cart.yaml"],
        EU,
        "prod-eu/production/cart.yaml",
    ),
    (["a/eks-eu/cart.yaml", "b/eks-eu/cart.yaml"], EU, "AMBIGUOUS_DOC"),
    # One cluster alone knows no others, and still prefers what is called like it.
    (
        ["clusters/one/cart.yaml", "clusters/two/cart.yaml"],
        PlaceNames(cluster=("one",)),
        "clusters/one/cart.yaml",
    ),
    (["clusters/two/cart.yaml"], PlaceNames(cluster=("one",)), "clusters/two/cart.yaml"),
    # A cluster that is called like an application or an environment chooses nothing.
    (["shop/staging/cart.yaml"], PlaceNames(cluster=("shop",)), "NOT_FOUND"),
    (["shop/a/cart.yaml", "shop/b/cart.yaml"], PlaceNames(cluster=("shop",)), "AMBIGUOUS_DOC"),
    (["prod/a/cart.yaml", "b/cart.yaml"], PlaceNames(cluster=("b", "prod")), "prod/a/cart.yaml"),
]


@pytest.mark.parametrize(("paths", "names", "wanted"), CASES, ids=lambda value: str(value)[:60])
def test_the_place_of_the_cluster(paths: list[str], names: PlaceNames, wanted: str) -> None:
    assert found(paths, names) == wanted
    assert found(paths[::-1], names) == wanted


def test_a_whole_folder_or_stem_says_a_cluster_and_nothing_less() -> None:
    asked = EU.asked("production")
    said = {
        "clusters/prod-eu/x.yaml": "yes",
        "apps/cart/prod-us.yaml": "no",
        "prod-us": "no",
        "clusters/prod-eu-2/x.yaml": "silent",
        "my-prod-eu/x.yaml": "silent",
        "": "silent",
    }
    assert {text: of_cluster([text], asked) for text in said} == said
    assert of_cluster(["prod-us"], "production") == "silent"


def test_the_cluster_takes_nothing_away_from_the_environment() -> None:
    asked = in_cluster("production", ("prod-eu",))
    assert asked == "production"
    assert speaks(["overlays/staging"], asked) == "no"
    assert speaks(["overlays/prod"], asked) == "yes"
    assert closeness(["overlays/production"], asked) == 2
    house = PlaceNames(words={"staging": ["integ"]}, cluster=("eu",))
    assert speaks(["integ"], house.asked("staging")) == "yes"
    assert speaks(["integ"], house.asked("production")) == "no"


def test_names_that_two_clusters_have_and_arns_are_no_names_of_folders() -> None:
    arn = "arn:aws:eks:eu-west-1:1:cluster/blue"
    names = PlaceNames(cluster=("a", "shared", arn), other_clusters=("b", "shared"))
    asked = names.asked("production")
    said = [of_cluster([one], asked) for one in ("shared", "blue", "a", "b", "A/x.yaml")]
    assert said == ["silent", "yes", "yes", "no", "yes"]


APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: cart-{name}, namespace: argocd}}
spec:
  destination: {{name: {cluster}, namespace: shop}}
  source: {{repoURL: https://gitlab.example.com/shop/deployments.git, path: {path}}}
"""


def test_who_deploys_a_folder_says_its_cluster() -> None:
    files = {
        "blue/cart.yaml": DEPLOYMENT,
        "green/cart.yaml": DEPLOYMENT,
        "argocd/a.yaml": APPLICATION.format(name="a-prod", cluster="prod-eu", path="blue").encode(),
        "argocd/b.yaml": APPLICATION.format(
            name="b-prod", cluster="prod-us", path="green"
        ).encode(),
    }
    for names, wanted in (
        (EU, "blue/cart.yaml"),
        (PlaceNames(cluster=("prod-us",), other_clusters=("prod-eu",)), "green/cart.yaml"),
        (PlaceNames(cluster=("prod-us",)), "green/cart.yaml"),
    ):
        index = build(files)
        place = locate.locate(REF, index, Hints(names.asked("production")))
        assert place.path == wanted
    with pytest.raises(NotEditable) as refused:
        locate.locate(REF, build(files), Hints("production"))
    assert refused.value.code == "AMBIGUOUS_DOC"


def placed(files: dict[str, bytes], cluster: str, environment: str = "production") -> str:
    """The path that is edited for a cluster of which the house knows no other, or the code of the refusal."""
    index = build(files)
    asked = PlaceNames(cluster=(cluster,)).asked(environment)
    try:
        return locate.locate(REF, index, Hints(asked).told_apart(index)).path
    except NotEditable as refused:
        return refused.code


@pytest.mark.parametrize(
    ("here", "beside", "wanted"),
    [
        ("clusters/prod-us", "clusters/prod-eu", "NOT_FOUND"),
        ("clusters/us-west-2", "clusters/prod-eu", "NOT_FOUND"),
        ("clusters/prod-us", "other/prod-eu", "clusters/prod-us/cart.yaml"),
        ("clusters/production", "clusters/prod-eu", "clusters/production/cart.yaml"),
        ("clusters/eu", "clusters/prod-eu", "clusters/eu/cart.yaml"),
        ("clusters/common", "clusters/prod-eu", "clusters/common/cart.yaml"),
        ("clusters/prod-eu", "clusters/prod-us", "clusters/prod-eu/cart.yaml"),
    ],
)
def test_a_folder_beside_the_clusters_own_is_another_clusters(
    here: str, beside: str, wanted: str
) -> None:
    files = {f"{here}/cart.yaml": DEPLOYMENT, f"{beside}/other.yaml": b"a: 1\n"}
    assert placed(files, "prod-eu") == wanted


def test_a_cluster_that_somebody_here_deploys_to_is_told_from_the_others() -> None:
    files = {
        "a/cart.yaml": DEPLOYMENT,
        "b/other.yaml": DEPLOYMENT.replace(b"cart", b"other"),
        "argocd/a.yaml": APPLICATION.format(name="a", cluster="green", path="a").encode(),
        "argocd/b.yaml": APPLICATION.format(name="b", cluster="blue", path="b").encode(),
    }
    wish = {"spec.replicas": 3}
    for cluster in ("green", "red"):
        asked = Hints(PlaceNames(cluster=(cluster,)).asked("unknown"))
        assert [one.path for one in set_fields(build(files), REF, wish, asked)] == ["a/cart.yaml"]
    with pytest.raises(NotEditable, match="of another cluster"):
        set_fields(build(files), REF, wish, Hints(PlaceNames(cluster=("blue",)).asked("unknown")))


@pytest.mark.parametrize(
    ("folder", "name", "said"),
    [
        ("environments/prod-us", "cart-prod", "no"),
        ("environments/prod", "cart-prod-us", "no"),
        ("clusters/dev-eu-1", "dev-portal", "no"),
        # What is called like the object says only that.
        ("apps/prod", "prod", "silent"),
        ("apps/dev-portal", "dev-portal", "silent"),
        ("apps/prod-exporter", "prod-exporter-main", "silent"),
        ("apps/live", "live-view", "silent"),
    ],
)
def test_a_folder_of_an_environment_is_its_place_also_for_an_object_called_so(
    folder: str, name: str, said: str
) -> None:
    assert speaks([folder], "staging", name) == said


@pytest.mark.parametrize(
    ("cluster", "folders", "wanted"),
    [
        # Nothing is called like the cluster: what is called so but for a number or a region is another one's.
        ("us-west-1", ["clusters/us-west-2"], "NOT_FOUND"),
        ("us-west-20", ["clusters/us-west-2", "clusters/eu-west-1"], "NOT_FOUND"),
        ("cluster4", ["overlays/cluster3"], "NOT_FOUND"),
        ("cluster1", ["overlays/cluster3", "overlays/cluster1"], "overlays/cluster1/cart.yaml"),
        ("shop-us", ["overlays/shop-eu"], "NOT_FOUND"),
        # A house may call its clusters otherwise than its repository does.
        ("gke-main", ["clusters/us-west-2"], "clusters/us-west-2/cart.yaml"),
        ("prod-shop-1", ["overlays/prod-eu"], "overlays/prod-eu/cart.yaml"),
        ("gke-shop-prod", ["apps/shop-api"], "apps/shop-api/cart.yaml"),
    ],
)
def test_what_is_called_like_a_cluster_that_is_not_here_is_another_ones(
    cluster: str, folders: list[str], wanted: str
) -> None:
    assert placed({f"{folder}/cart.yaml": DEPLOYMENT for folder in folders}, cluster) == wanted


def test_a_folder_with_another_number_is_another_clusters() -> None:
    files = {"overlays/cluster1/cart.yaml": DEPLOYMENT, "overlays/cluster2/other.yaml": b"a: 1\n"}
    assert placed(files, "cluster2") == "NOT_FOUND"
    assert placed(files, "cluster1") == "overlays/cluster1/cart.yaml"
