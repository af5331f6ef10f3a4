"""What is drafted for images that do not come, references to what is not there, and volumes that one pod holds."""

from __future__ import annotations

from typing import Any

from decide.core.facts import Facts
from decide.core.families.startup.facts import AbsentReference, UnusableImage
from decide.core.families.startup.plans import images, references, volumes
from schemas.images import ImageAnswer, RegistryAnswers
from tests.support.decide.clusters import Cluster
from tests.support.decide.drafted import BACK, Builder, changed_lately, drafted, pod_spec, shop


def _cluster(image: str, *siblings: str, before: str = "") -> Cluster:
    """``web`` with the image, others with theirs; ``before``: what ran in web's revision before."""
    names = [f"other{n}" for n in range(len(siblings))]
    cluster = shop("web", *names)
    for name, one in zip(names, siblings, strict=True):
        cluster.container(name)["image"] = one
    if before:
        cluster.container("web")["image"] = before
        changed_lately(cluster)
    pod_spec(cluster)["containers"][0]["image"] = image
    return cluster


def _image(
    cluster: Cluster,
    image: str,
    *,
    of: str = "image_not_found",
    arrived: bool = False,
    builder: Builder = images.image,
) -> list[str]:
    return drafted(
        builder,
        cluster,
        lambda w, _: UnusableImage(workload=w, container="main", image=image, arrived=arrived),
        of=of,
    )


def _images(image: str, *siblings: str, of: str = "image_not_found") -> list[str]:
    """The images that are drafted."""
    found = _image(_cluster(image, *siblings), image, of=of)
    return [line.rpartition(" ")[2].strip('"') for line in found if "→" in line]


def test_the_image_of_the_last_good_revision_is_taken() -> None:
    assert _image(_cluster("r/web:2", before="r/web:1"), "r/web:2") == [
        "set_image 0.93 startup.image.before_title before=r/web:1",
        "  why startup.image.ran_before before=r/web:1 image=r/web:2 revision=1",
        "  risk drafting.risk.older_image",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "r/web:2" → "r/web:1"',
    ]


def test_an_image_that_arrived_goes_back_for_another_reason_and_to_no_sibling() -> None:
    cluster = _cluster("a/web:2", *["a/x:1"] * 3, before="a/web:1")
    assert _image(cluster, "a/web:2", arrived=True) == [
        "set_image 0.93 startup.image.before_title before=a/web:1",
        "  why startup.image.ran_here_before before=a/web:1 image=a/web:2 revision=1",
        "  risk drafting.risk.older_image",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "a/web:2" → "a/web:1"',
    ]


def test_an_image_that_ran_before_already_is_no_way_out() -> None:
    assert _image(_cluster("r/web:1", before="r/web:1"), "r/web:1") == []


def test_siblings_tell_the_folder_and_the_tag_where_three_agree() -> None:
    cluster = _cluster("r.io/shop/web:v9", *["r.io/shops/x:v1"] * 3)
    assert _image(cluster, "r.io/shop/web:v9") == [
        "set_image 0.75 startup.image.title image=r.io/shops/web:v1",
        "  why startup.image.siblings count=3 folder=r.io/shops image=r.io/shop/web:v9",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "r.io/shop/web:v9" → "r.io/shops/web:v1"',
    ]
    assert _images("r.io/shop/web:v9", *["r.io/shops/x:v1"] * 2) == []


def test_the_folder_and_tag_that_most_siblings_have_win() -> None:
    votes = [*["r/shop/x:v1"] * 3, *["r/shop/x:v2"] * 4]
    assert _images("r/shop/web:v9", *votes) == [
        "r/shop/web:v2",
    ]


def test_a_folder_that_is_not_alike_is_not_taken() -> None:
    assert _images("r/shop/web:v9", *["r/bank/x:v1"] * 3) == []
    assert _images("r/abcde/web:v9", *["r/abcd/x:v1"] * 3) == [
        "r/abcd/web:v1",
    ]
    assert _images("r/abcd/web:v9", *["r/abce/x:v1"] * 3) == []
    assert _images("r/abcde/web:v9", *["r/abcdx/x:v1"] * 3) == []  # just four fifths


def test_siblings_without_a_folder_or_a_tag_tell_nothing() -> None:
    assert _images("web:v9", *["x:v1"] * 3) == []
    assert _images("r/shop/web:v9", *["r/shop/x"] * 3) == []
    assert _images("r/shop/web:v9", *["r:5000/shop/x"] * 3) == []


def test_an_image_that_is_as_the_siblings_are_stays() -> None:
    assert _images("r/shop/web:v1", *["r/shop/x:v1"] * 3) == []


def test_an_image_without_a_tag_or_with_a_digest_is_read_too() -> None:
    votes = ["r:5000/shop/x:v1@sha256:1"] * 3
    assert _images("r:5000/shop/web", *votes) == [
        "r:5000/shop/web:v1",
    ]
    assert _images("r:5000/shop/web:v9@sha256:2", *votes) == [
        "r:5000/shop/web:v1",
    ]
    assert _images("web", *["shop/x:v1"] * 3) == []


def test_siblings_that_are_not_ready_or_of_another_namespace_do_not_count() -> None:
    cluster = _cluster("r/shop/web:v9", *["r/shop/x:v1"] * 3)
    cluster.stopped("other1")
    assert _image(cluster, "r/shop/web:v9") == []
    cluster = _cluster("r/shop/web:v9", *["r/shop/x:v1"] * 3)
    for plural in ("deployments", "replicasets", "pods"):
        for one in cluster.objects[plural]:
            if one["metadata"]["name"].startswith("other1"):
                one["metadata"]["namespace"] = "bank"
    cluster.namespace = ""  # the alert names none
    assert _image(cluster, "r/shop/web:v9") == []


def test_an_image_comes_from_the_registry_that_all_siblings_share() -> None:
    cluster = _cluster("bad.io/shop/web:1", *["good.io/x/y:1"] * 2)
    assert _image(cluster, "bad.io/shop/web:1", of="image_registry_unreachable") == [
        "set_image 0.74 startup.image.title image=good.io/shop/web:1",
        "  why startup.image.other_registry host=good.io image=bad.io/shop/web:1",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "bad.io/shop/web:1" → "good.io/shop/web:1"',
    ]
    assert _image(cluster, "bad.io/shop/web:1") == []


def test_no_registry_is_taken_where_siblings_disagree_are_few_or_share_the_bad_one() -> None:
    unreachable = "image_registry_unreachable"
    for image, siblings in (
        ("bad.io/web:1", ["good.io/x:1"]),
        ("bad.io/web:1", ["good.io/x:1", "other.io/x:1"]),
        ("bad.io/web:1", ["bad.io/x:1", "bad.io/x:1"]),
        ("bad.io/web:1", ["good.io/x:1", "good.io/x:1", "bad.io/x:1"]),
        ("web:1", ["good.io/x:1", "good.io/x:1"]),
        ("shop/web:1", ["good.io/x:1", "good.io/x:1"]),
        ("bad.io/web:1", ["shop/x:1", "shop/x:1"]),
        ("bad.io/web:1", ["good.io:1", "good.io:1"]),
    ):
        assert _images(image, *siblings, of=unreachable) == [], (image, siblings)
    for host in ("good.io", "good:5000"):
        assert _images(
            "bad:5000/web:1", f"{host}/x:1", f"{host}/y:2", "shop/z:1", of=unreachable
        ) == [f"{host}/web:1"]


def _secret(named: list[str], *secrets: tuple[str, str]) -> list[str]:
    cluster = _cluster("r/web:2", before="r/web:1")
    if named:
        pod_spec(cluster)["imagePullSecrets"] = [{"name": name} for name in named]
    for name, type_ in secrets:
        cluster.add("secrets", name, type=type_)
    cluster.add("secrets", "far", type=_JSON)["metadata"]["namespace"] = "bank"
    found = _image(cluster, "r/web:2", builder=images.pull_secret)
    assert found[-4].startswith("set_image 0.93")
    return found[:-4]


_JSON, _CFG = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"


def test_a_pull_secret_that_exists_is_named_before_another_image() -> None:
    assert _secret(["gone"], ("reg", _JSON), ("other", "Opaque")) == [
        "set_image_pull_secret 0.8 startup.secret.title secret=reg",
        "  why startup.secret.why named=[gone] secret=reg",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :imagePullSecrets: [{"name": "gone"}] → [{"name": "reg"}]',
    ]


def test_two_pull_secrets_at_most_are_drafted_each_with_less_weight() -> None:
    assert _secret([], ("one", _CFG), ("two", _JSON), ("three", _JSON)) == [
        "set_image_pull_secret 0.6 startup.secret.title secret=one",
        "  why startup.secret.why_none secret=one",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :imagePullSecrets: + [{"name": "one"}]',
        "set_image_pull_secret 0.6 startup.secret.title secret=two",
        "  why startup.secret.why_none secret=two",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :imagePullSecrets: + [{"name": "two"}]',
    ]


def test_a_pull_secret_that_is_named_already_is_no_way_out() -> None:
    assert _secret(["one"], ("one", _JSON)) == []
    assert [x for x in _secret(["one"], ("one", _JSON), ("two", _JSON)) if x[0] != " "] == [
        "set_image_pull_secret 0.6 startup.secret.title secret=two",
    ]


def _referring(kind: str) -> Cluster:
    """``web`` names the object ``settings`` of the kind in every way in which it can."""
    whole, key = (
        ("configMapRef", "configMapKeyRef")
        if kind == "configmap"
        else ("secretRef", "secretKeyRef")
    )
    cluster = shop()
    spec = pod_spec(cluster)
    spec["initContainers"] = [{"name": "first", "envFrom": [{whole: {"name": "settings"}}]}]
    main = spec["containers"][0]
    main["envFrom"] = [{"prefix": "A"}, {whole: {"name": "settings"}}, {whole: {"name": "fine"}}]
    main["env"] = [
        {"name": "A", "value": "settings"},
        {"name": "B", "valueFrom": {key: {"name": "settings", "key": "url"}}},
        {"name": "C", "valueFrom": {key: {"name": "fine", "key": "url"}}},
    ]
    inner = (
        {"configMap": {"name": "settings"}}
        if kind == "configmap"
        else {"secret": {"secretName": "settings"}}
    )
    spec["volumes"] = [{"name": "tmp", "emptyDir": {}}, {"name": "conf", **inner}]
    return cluster


def _reference(cluster: Cluster, kind: str, name: str = "settings", key: str = "") -> list[str]:
    return drafted(
        references.reference,
        cluster,
        lambda w, _: AbsentReference(workload=w, kind=kind, name=name, key=key),
    )


def test_every_place_that_names_a_config_map_names_the_one_that_is_meant() -> None:
    cluster = _referring("configmap")
    cluster.add("configmaps", "settings1")
    cluster.add("secrets", "settings2")
    assert _reference(cluster, "configmap") == [
        "set_reference 0.7 startup.reference.title name=settings near=settings1",
        "  why startup.reference.why kind=configmap name=settings near=settings1",
        "  risk startup.reference.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].envFrom[0].configMapRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :containers[name=main].envFrom[1].configMapRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=B].valueFrom.configMapKeyRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :volumes[name=conf].configMap.name: "settings" → "settings1"',
    ]


def test_every_place_that_names_a_secret_names_the_one_that_is_meant() -> None:
    cluster = _referring("secret")
    cluster.add("secrets", "settings1")
    cluster.add("configmaps", "settings2")
    assert _reference(cluster, "secret") == [
        "set_reference 0.7 startup.reference.title name=settings near=settings1",
        "  why startup.reference.why kind=secret name=settings near=settings1",
        "  risk startup.reference.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].envFrom[0].secretRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :containers[name=main].envFrom[1].secretRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=B].valueFrom.secretKeyRef.name: "settings" → "settings1"',
        '  apps/v1 Deployment/shop/web :volumes[name=conf].secret.secretName: "settings" → "settings1"',
    ]


def test_an_object_is_meant_from_a_likeness_of_eighty_eight_in_a_hundred() -> None:
    for there, meant in (
        ("settingz", False),
        ("settings1", True),
        ("setting", True),
        ("zq", False),
    ):
        cluster = _referring("configmap")
        cluster.add("configmaps", there)
        assert bool(_reference(cluster, "configmap")) is meant, there


def test_the_likest_object_is_meant_and_neither_itself_nor_one_of_another_namespace() -> None:
    cluster = _referring("configmap")
    for name in ("setting", "settings", "settings-1"):
        cluster.add("configmaps", name)
    cluster.add("configmaps", "settings1")["metadata"]["namespace"] = "bank"
    assert (
        _reference(cluster, "configmap")[0]
        == "set_reference 0.7 startup.reference.title name=settings near=setting"
    )


def test_nothing_is_drafted_without_a_name_or_without_another_object() -> None:
    cluster = _referring("configmap")
    assert _reference(cluster, "configmap") == []
    cluster.add("configmaps", "settings1")
    assert _reference(cluster, "configmap", name="") == []


def _keyed(kind: str, *keys: str, field: str = "data") -> Cluster:
    cluster = _referring(kind)
    cluster.add(f"{kind}s", "settings", **{field: dict.fromkeys(keys, "x")})
    changed_lately(cluster)
    return cluster


def test_the_key_that_is_meant_is_named_in_each_variable_with_the_wrong_one() -> None:
    cluster = _keyed("configmap", "uri", "other")
    source = {"configMapKeyRef": {"name": "settings", "key": "level"}}
    pod_spec(cluster)["containers"][0]["env"].append({"name": "D", "valueFrom": source})
    first = {"name": "E", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "url"}}}
    pod_spec(cluster)["initContainers"][0]["env"] = [first]
    cluster.objects["configmaps"][0]["data"] = {"URL2": "x", "level": "y"}
    assert _reference(cluster, "configmap", key="url")[:6] == [
        "set_reference 0.76 startup.key.title name=settings near=URL2",
        "  why startup.key.why key=url name=settings near=URL2",
        "  risk startup.reference.risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :initContainers[name=first].env[name=E].valueFrom.configMapKeyRef.key: "url" → "URL2"',
        '  apps/v1 Deployment/shop/web :containers[name=main].env[name=B].valueFrom.configMapKeyRef.key: "url" → "URL2"',
    ]


def test_a_key_of_a_secret_is_named_too_and_binary_data_has_keys() -> None:
    for field in ("data", "binaryData"):
        found = _reference(_keyed("secret", "urls", field=field), "secret", key="url")
        assert found[3:5] == [
            "  risk drafting.risk.restart",
            '  apps/v1 Deployment/shop/web :containers[name=main].env[name=B].valueFrom.secretKeyRef.key: "url" → "urls"',
        ]


def test_a_key_is_meant_from_a_likeness_of_three_quarters_in_any_case() -> None:
    for there, asked, meant in (
        ("abcd", "abce", True),
        ("abcd", "abxy", False),
        ("ABCD", "abce", True),
        ("abce", "ABCD", True),
    ):
        cluster = _keyed("configmap", there)
        cluster_env = pod_spec(cluster)["containers"][0]["env"]
        cluster_env[1]["valueFrom"]["configMapKeyRef"]["key"] = asked
        found = _reference(cluster, "configmap", key=asked)
        assert found[0].startswith("set_reference") is meant, (there, asked)


def test_a_missing_key_that_nobody_asks_for_is_just_a_reason_to_go_back() -> None:
    found = _reference(_keyed("configmap", "other"), "configmap", key="othr")
    assert [x.split()[0] for x in found if x[0] != " "] == [
        "rollback_revision",
    ]


def _picked(kind: str, *picked: str, keys: tuple[str, ...]) -> Cluster:
    cluster = shop()
    cluster.add(f"{kind}s", "settings", data=dict.fromkeys(keys, "x"))
    inner = {"items": [{"key": key, "path": key} for key in picked]}
    source = (
        {"configMap": {"name": "settings"} | inner}
        if kind == "configmap"
        else {"secret": {"secretName": "settings"} | inner}
    )
    pod_spec(cluster)["volumes"] = [{"name": "tmp", "emptyDir": {}}, {"name": "conf", **source}]
    changed_lately(cluster)
    return cluster


def test_a_volume_picks_the_key_that_is_meant() -> None:
    for kind in ("configmap", "secret"):
        cluster = _picked(kind, "level", "app.yml", keys=("level", "app.yaml"))
        field = "configMap" if kind == "configmap" else "secret"
        assert _reference(cluster, kind, name="", key="app.yml") == [
            "set_reference 0.76 startup.key.mount_title name=settings near=app.yaml",
            "  why startup.key.why key=app.yml name=settings near=app.yaml",
            "  risk startup.reference.risk",
            "  risk drafting.risk.restart",
            f"  apps/v1 Deployment/shop/web :volumes[name=conf].{field}.items[1].key: "
            '"app.yml" → "app.yaml"',
            *BACK,
        ]


def test_a_volume_that_does_not_pick_the_key_or_has_none_alike_stays() -> None:
    cluster = _picked("configmap", "level", keys=("level", "app.yaml"))
    assert _reference(cluster, "configmap", name="", key="app.yml") == BACK
    cluster = _picked("configmap", "app.yml", keys=("level",))
    assert _reference(cluster, "configmap", name="", key="app.yml") == BACK


def test_the_first_volume_that_picks_the_key_is_mended() -> None:
    cluster = _picked("configmap", "app.yml", keys=("app.yaml",))
    spec = pod_spec(cluster)
    spec["volumes"].append(spec["volumes"][1] | {"name": "again"})
    found = _reference(cluster, "configmap", name="", key="app.yml")
    assert [x for x in found if x.startswith("set_")] == [
        "set_reference 0.76 startup.key.mount_title name=settings near=app.yaml",
    ]


def _held(spec: dict[str, Any], kind: str = "Deployment", known: bool = True) -> list[str]:
    cluster = shop()
    cluster.get("deployments", "web")["spec"] |= spec
    if kind != "Deployment":
        found = cluster.objects["deployments"].pop()
        cluster.objects["statefulsets"] = [found | {"kind": kind}]
    return drafted(
        volumes.one_at_a_time, cluster, lambda w, _: Facts(workload=w if known else None)
    )


def test_the_old_pod_lets_go_of_its_volume_before_the_new_one_comes() -> None:
    assert _held({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}) == [
        "set_strategy 0.7 startup.recreate.title workload=web",
        "  why startup.recreate.why detail=seen",
        "  risk startup.recreate.risk",
        '  apps/v1 Deployment/shop/web spec.strategy.type: "RollingUpdate" → "Recreate"',
        '  apps/v1 Deployment/shop/web spec.strategy.rollingUpdate: - {"maxSurge": 1}',
    ]
    assert _held({})[-1] == '  apps/v1 Deployment/shop/web spec.strategy: + {"type": "Recreate"}'


def test_only_a_deployment_has_such_a_strategy() -> None:
    assert _held({}, kind="StatefulSet") == []
    assert _held({}, known=False) == []


def _asked(cluster: Cluster, **answers: ImageAnswer) -> Cluster:
    cluster.registry = RegistryAnswers(images=tuple(answers.values()))
    return cluster


def test_an_image_for_some_of_the_nodes_is_placed_on_those() -> None:
    cluster = _cluster("r.io/web:2")
    for node, architecture in zip(
        cluster.objects["nodes"], ("amd64", "arm64", "amd64"), strict=True
    ):
        node["status"]["nodeInfo"] = {"operatingSystem": "linux", "architecture": architecture}
    told = ImageAnswer(reference="r.io/web:2", exists="yes", platforms=("linux/arm64/v8",))
    found = _image(_asked(cluster, web=told), "r.io/web:2", of="image_platform_mismatch")
    assert found == [
        "set_scheduling 0.8 startup.platform.title platform=arm64 workload=web",
        "  why startup.platform.why image=r.io/web:2 platforms=[linux/arm64/v8]",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :nodeSelector: + {"kubernetes.io/arch": "arm64"}',
    ]
    everywhere = told.model_copy(update={"platforms": ("linux/arm64", "linux/amd64")})
    for answer in (everywhere, told.model_copy(update={"platforms": ("linux/s390x",)})):
        asked = _asked(cluster, web=answer)
        assert _image(asked, "r.io/web:2", of="image_platform_mismatch") == []
    assert _image(_asked(cluster, web=told), "r.io/web:2") == []


def test_the_nearest_tag_that_is_there_is_drafted_as_a_guess() -> None:
    cluster = _cluster("r.io/web:2.1")
    near = {"r.io/web:2.1": ("r.io/web:2.1.0", "r.io/web:2.0")}
    cluster.registry = RegistryAnswers(near=near)
    assert _image(cluster, "r.io/web:2.1") == [
        "set_image 0.45 startup.image.title image=r.io/web:2.1.0",
        "  why startup.image.near image=r.io/web:2.1 near=r.io/web:2.1.0",
        "  risk startup.image.near_risk",
        "  risk drafting.risk.restart",
        '  apps/v1 Deployment/shop/web :containers[name=main].image: "r.io/web:2.1" → "r.io/web:2.1.0"',
    ]
    assert _image(cluster, "r.io/web:2.1", of="image_registry_unreachable") == _image(
        cluster, "r.io/web:2.1"
    )


def test_where_another_image_would_not_come_either_only_another_registry_is_drafted() -> None:
    cluster = _cluster("bad.io/web:2", *["good.io/x:1"] * 2, before="bad.io/web:1")
    found = drafted(
        images.image,
        cluster,
        lambda w, _: UnusableImage(workload=w, container="main", image="bad.io/web:2", right=True),
        of="image_registry_unreachable",
    )
    assert [line for line in found if line[0] != " "] == [
        "set_image 0.74 startup.image.title image=good.io/web:2"
    ]
