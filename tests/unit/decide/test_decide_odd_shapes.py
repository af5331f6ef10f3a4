"""Objects of shapes that nobody expected are read as far as they can be: no rule breaks on them."""

from __future__ import annotations

from typing import Any

import pytest

from decide.core.deciding import diagnose_with
from tests.support.decide.clusters import Cluster

_SELECTS: dict[str, Any] = {"a": "b"}


def _service(cluster: Cluster, name: str, **spec: Any) -> None:
    meta = {"name": name, "namespace": cluster.namespace}
    cluster.objects["services"].append({"metadata": meta, "spec": {"selector": _SELECTS, **spec}})


@pytest.mark.parametrize(
    "ports",
    [
        None,
        [None],
        "http",
        [{"port": 80, "targetPort": ["http"]}],
        [{"port": {}, "targetPort": None}],
        [{"port": 80, "targetPort": "http"}],
    ],
)
@pytest.mark.parametrize("offered", [{"containerPort": 80, "name": []}, {"containerPort": "x"}])
def test_ports_of_any_shape_are_read(ports: object, offered: dict[str, object]) -> None:
    cluster = Cluster(4)
    app = cluster.app(ports=[offered])
    _service(cluster, "odd", ports=ports)
    _service(cluster, app, ports=ports, selector={"app": app})
    assert diagnose_with((), cluster.bundle()).broken == ()
