"""Renaming is total and consistent, and no answer depends on a name."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from tools.evaluation import score
from tools.evaluation.answers import mapping, truths
from tools.evaluation.rename import Renaming, renaming_of
from tools.evaluation.run import diagnose_all

CORPUS = Path(__file__).parents[3] / "corpus"
CASES = sorted((CORPUS / "cases").iterdir())


def _files(case: Path) -> dict[str, bytes]:
    return {p.relative_to(case).as_posix(): p.read_bytes() for p in case.rglob("*") if p.is_file()}


def _pod(name: str, image: str, node: str) -> dict[str, Any]:
    container = {"name": "redis", "image": image, "env": [{"name": "DB", "value": "redis:6379"}]}
    spec = {"nodeName": node, "containers": [container]}
    meta = {"name": name, "namespace": "shop", "labels": {"app": "cart"}}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec}


@pytest.fixture
def made() -> dict[str, bytes]:
    """A case in which names are also words."""
    objects: dict[str, list[dict[str, Any]]] = {
        "services": [
            {"kind": "Service", "metadata": {"name": name, "namespace": "shop"}}
            for name in ("redis", "cart", "data")
        ],
        "configmaps": [
            {
                "kind": "ConfigMap",
                "metadata": {"name": "cart", "namespace": "shop"},
                "data": {"to": "http://data/x and data"},
            }
        ],
        "deployments": [{"kind": "Deployment", "metadata": {"name": "cart", "namespace": "shop"}}],
        "pods": [
            _pod("cart-6d4cf56db6-x2x8k", "quay.example/team/cart:1.2", "worker-1"),
            _pod("redis-0", "redis:7", "master"),
        ],
        "nodes": [
            {
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {"kubernetes.io/hostname": name, "kubernetes.io/role": "master"},
                },
            }
            for name in ("worker-1", "master")
        ],
    }
    files = {
        f"cluster/shop/{k}.json": json.dumps({"kind": "List", "items": v}).encode()
        for k, v in objects.items()
    }
    files["cluster/shop/cart-6d4cf56db6-x2x8k/logs.txt"] = b"\n".join(
        [
            b"com.redis.Client: cannot reach redis:6379 at cart.shop.svc.cluster.local",
            b"Successfully assigned shop/cart-6d4cf56db6-x2x8k to master; master key unset; CART_SERVICE_HOST=10.0.0.1",
            b'Pulling image "quay.example/team/cart:1.2" and redis:7; lookup cart-old: no such host',
        ]
    )
    return files


def test_names_are_replaced_where_they_name_and_words_stay(made: dict[str, bytes]) -> None:
    renaming = renaming_of(made, 1)
    new = renaming.files(made)
    (log,) = [raw.decode() for path, raw in new.items() if path.endswith("logs.txt")]
    cart, redis, shop, master = (renaming.names[n] for n in ("cart", "redis", "shop", "master"))
    assert f"com.redis.Client: cannot reach {redis}:6379 at {cart}.{shop}.svc.cluster.local" in log
    assert f"assigned {shop}/{cart}-6d4cf56db6-x2x8k to {master}; master key unset" in log
    assert f"{cart.upper()}_SERVICE_HOST=10.0.0.1" in log
    assert f"lookup {cart}-old: no such host" in log
    assert "quay.example" not in log
    assert "redis:7" not in log


def test_objects_keep_their_shape_and_their_relations(made: dict[str, bytes]) -> None:
    renaming = renaming_of(made, 1)
    new = renaming.files(made)
    shop = renaming.names["shop"]
    pods = json.loads(new[f"cluster/{shop}/pods.json"])["items"]
    assert pods[0]["metadata"]["labels"] == {"app": renaming.names["cart"]}
    assert pods[0]["metadata"]["name"] == f"{renaming.names['cart']}-6d4cf56db6-x2x8k"
    assert pods[1]["metadata"]["name"] == f"{renaming.names['redis']}-0"
    assert pods[0]["spec"]["nodeName"] == renaming.names["worker-1"]
    container = pods[1]["spec"]["containers"][0]
    assert container["name"] == "redis"  # a container may be called what it likes
    assert container["env"][0]["value"] == f"{renaming.names['redis']}:6379"
    labels = json.loads(new[f"cluster/{shop}/nodes.json"])["items"][1]["metadata"]["labels"]
    assert labels == {
        "kubernetes.io/hostname": renaming.names["master"],
        "kubernetes.io/role": "master",
    }
    assert renaming.key("Pod/shop/redis-0") == f"Pod/{shop}/{renaming.names['redis']}-0"


def test_fields_of_objects_keep_their_names(made: dict[str, bytes]) -> None:
    renaming = renaming_of(made, 1)
    (config,) = json.loads(
        renaming.files(made)[f"cluster/{renaming.names['shop']}/configmaps.json"]
    )["items"]
    assert config["data"] == {"to": f"http://{renaming.names['data']}/x and data"}


def test_a_slip_stays_a_slip_of_the_new_name() -> None:
    objects = [
        {"kind": "Service", "metadata": {"name": "checkout", "namespace": "shop"}},
        {
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "serviceAccountName": "checkouts",
                "env": [{"value": "http://chekout.elsewhere.svc:80/status"}],
            },
        },
    ]
    renaming = renaming_of(
        {"cluster/all.json": json.dumps({"kind": "List", "items": objects}).encode()}, 3
    )
    new = renaming.names["checkout"]
    assert renaming.names["checkouts"] == f"{new}s"
    assert len(renaming.names["chekout"]) == len(new) - 1
    assert SequenceMatcher(None, renaming.names["chekout"], new).ratio() > 0.9
    assert (
        renaming.text("http://checkout.elsewhere.svc/status")
        == f"http://{new}.elsewhere.svc/status"
    )


def test_a_seed_gives_the_same_names_and_another_seed_others(made: dict[str, bytes]) -> None:
    assert renaming_of(made, 1) == renaming_of(made, 1)
    assert renaming_of(made, 1).names != renaming_of(made, 2).names


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_no_name_of_a_case_survives(case: Path) -> None:
    files = _files(case)
    renaming: Renaming = renaming_of(files, 5)
    assert len(renaming.names) > 5
    everything = "\n".join(f"{p} {raw.decode()}" for p, raw in renaming.files(files).items())
    left = [
        n for n in renaming.names if re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", everything)
    ]
    assert left == []


@pytest.mark.parametrize("seed", [11, 12])
def test_answers_do_not_depend_on_names(seed: int) -> None:
    known = truths(CORPUS / "expected")
    plain = score.judge_all(known, diagnose_all(CORPUS / "cases"), mapping())
    renamed = score.judge_all(known, diagnose_all(CORPUS / "cases", seed), mapping())
    assert len(renamed) == len(CASES)
    assert score.moved(plain, renamed) == []
    assert [one.confidence for one in plain] == [one.confidence for one in renamed]
    assert all(one.at("both", 1) for one in renamed)
