"""From an address to the Services behind it: hosts before wildcards, longer paths before shorter ones."""

from __future__ import annotations

from typing import Any

import pytest

from enrich.core.addresses import behind


def ingress(host: str, paths: dict[str, str], **more: Any) -> dict[str, Any]:
    found = [{"path": p, "backend": {"service": {"name": s}}} for p, s in paths.items()]
    rules = [{"host": host, "http": {"paths": found}}]
    return {"metadata": {"namespace": "shop", "name": "web"}, "spec": {"rules": rules, **more}}


OBJECTS: dict[str, list[dict[str, Any]]] = {
    "ingresses": [
        ingress("shop.test", {"/": "front", "/pay": "pay", "/pay/card": "card"}),
        ingress("*.shop.test", {"/": "tenants"}),
        ingress("old.test", {}, defaultBackend={"service": {"name": "old"}}),
    ],
    "httproutes": [
        {
            "metadata": {"namespace": "billing", "name": "r"},
            "spec": {
                "hostnames": ["bill.test"],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}],
                        "backendRefs": [{"name": "bill", "namespace": "other"}],
                    },
                    {"backendRefs": [{"name": "bill-old"}, {"kind": "Bucket", "name": "b"}]},
                ],
            },
        }
    ],
    "virtualservices": [
        {
            "metadata": {"namespace": "mesh", "name": "v"},
            "spec": {
                "hosts": ["mesh.test"],
                "http": [{"route": [{"destination": {"host": "far.away.svc.cluster.local"}}]}],
            },
        }
    ],
    "services": [
        {
            "metadata": {
                "namespace": "edge",
                "name": "lb",
                "annotations": {
                    "external-dns.alpha.kubernetes.io/hostname": "lb.test, www.lb.test"
                },
            },
            "status": {"loadBalancer": {"ingress": [{"hostname": "a1.elb.test"}]}},
        }
    ],
}


@pytest.mark.parametrize(
    ("host", "path", "places"),
    [
        ("shop.test", "/", [("shop", "front")]),
        ("SHOP.test", "/pay", [("shop", "pay")]),
        ("shop.test", "/payments", [("shop", "front")]),
        ("shop.test", "/pay/card/x", [("shop", "card")]),
        ("a.shop.test", "/", [("shop", "tenants")]),
        ("shop.test.evil", "/", []),
        ("old.test", "/any", [("shop", "old")]),
        ("bill.test", "/v2/x", [("other", "bill")]),
        ("bill.test", "/v1", [("billing", "bill-old")]),
        ("mesh.test", "/", [("away", "far")]),
        ("www.lb.test", "/", [("edge", "lb")]),
        ("a1.elb.test", "/", [("edge", "lb")]),
        ("pay.shop.svc.cluster.local", "/", [("shop", "pay")]),
        ("pay.shop.svc", "/", [("shop", "pay")]),
        ("nobody.test", "/", []),
    ],
)
def test_an_address_leads_to_its_services(
    host: str, path: str, places: list[tuple[str, str]]
) -> None:
    assert list(behind(host, path, OBJECTS)) == places
