"""What the rules of certificates find, at which score, and where they stay silent."""

from __future__ import annotations

import pytest

from decide.core import diagnose
from decide.core.families.certificates.rules import find_absent, find_issued, find_refused
from tests.support.decide.clusters import Cluster, Obj
from tests.support.decide.rules_say import everywhere, found, heads, shop, whole

_EXPIRED = "x509: certificate has expired or is not yet valid"
_UNTRUSTED = "x509: certificate signed by unknown authority"


def _certificate(c: Cluster, ends: str = "", secret: str = "", name: str = "cert") -> Obj:
    return c.add(
        "certificates",
        name,
        api="cert-manager.io/v1",
        kind="Certificate",
        spec={"secretName": secret} if secret else {},
        status={"notAfter": ends} if ends else {},
    )


def _not_ready(certificate: Obj, **said: str) -> None:
    certificate["status"]["conditions"] = [{"type": "Ready", "status": "False", **said}]


def _mounts(c: Cluster, app: str, secret: str) -> None:
    spec = c.get("deployments", app)["spec"]["template"]["spec"]
    spec["volumes"] = [{"configMap": {"name": "x"}}, {"secret": {"secretName": secret}}]


def test_an_expired_certificate_is_told_at_the_first_workload_that_mounts_it() -> None:
    c = shop("web", "cart", "shelf")
    _certificate(c, "2026-05-04T11:59:59Z", "tls")
    _mounts(c, "cart", "tls")
    _mounts(c, "shelf", "tls")
    text = "certificates.issued.expired certificate=cert, said=, until=2026-05-04 11:59"
    assert whole(find_issued, c) == [
        "0.95 certificate_invalid of Deployment/shop/cart",
        f"told: {text}",
        f"object Certificate/shop/cert: {text}",
        "facts: BadCertificate certificate=object cert, remedies=[], users=[cart, shelf]",
    ]


@pytest.mark.parametrize("ends", ["2026-05-04T12:00:00Z", "2026-05-04T12:00:01Z", "", "never"])
def test_a_certificate_that_lasts_until_the_alert_or_longer_has_not_expired(ends: str) -> None:
    c = shop("web")
    _certificate(c, ends, "tls")
    assert heads(find_issued, c) == []


def test_a_certificate_that_nobody_mounts_is_told_at_itself() -> None:
    c = shop("web")
    _mounts(c, "web", "other")
    c.get("deployments", "web")["spec"]["template"]["spec"]["volumes"].append({"emptyDir": {}})
    _certificate(c, "2026-05-01T00:00:00Z", "tls")
    _certificate(c, "2026-05-01T00:00:00Z", name="without")
    assert heads(find_issued, c) == [
        "0.95 certificate_invalid of Certificate/shop/cert",
        "0.95 certificate_invalid of Certificate/shop/without",
    ]


def test_a_mount_of_the_same_name_in_another_namespace_is_another_secret() -> None:
    c = shop("web")
    _mounts(c, "web", "tls")
    certificate = _certificate(c, "2026-05-01T00:00:00Z", "tls")
    certificate["metadata"]["namespace"] = "other"
    assert heads(find_issued, c) == [], "another namespace than the alert's"
    own = _certificate(c, "2026-05-01T00:00:00Z", name="own")
    assert heads(find_issued, c) == ["0.95 certificate_invalid of Certificate/shop/own"]
    c.objects["certificates"].remove(own)
    c.objects["pods"].append({"metadata": {"name": "p", "namespace": "other"}})
    assert heads(find_issued, everywhere(c.bundle())) == [
        "0.95 certificate_invalid of Certificate/other/cert"
    ]


@pytest.mark.parametrize(
    ("ends", "said", "sentence"),
    [
        (
            "2026-06-01T08:05:00Z",
            {"reason": "Failed", "message": "order refused"},
            "certificates.issued.valid certificate=cert, said=Failed: order refused,"
            " until=2026-06-01 08:05",
        ),
        (
            "",
            {"reason": "DoesNotExist"},
            "certificates.issued.state certificate=cert, said=DoesNotExist",
        ),
        (
            "",
            {"message": "no issuer"},
            "certificates.issued.state certificate=cert, said=no issuer",
        ),
        (
            "2026-05-04T12:00:00Z",
            {},
            "certificates.issued.valid certificate=cert, said=, until=2026-05-04 12:00",
        ),
    ],
)
def test_a_certificate_that_is_not_ready_is_told_in_the_issuer_s_words(
    ends: str, said: dict[str, str], sentence: str
) -> None:
    c = shop("web")
    _not_ready(_certificate(c, ends), **said)
    assert whole(find_issued, c)[:2] == [
        "0.65 certificate_invalid of Certificate/shop/cert",
        f"told: {sentence}",
    ]


def test_a_ready_certificate_is_nothing_to_tell() -> None:
    c = shop("web")
    certificate = _certificate(c)
    certificate["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert heads(find_issued, c) == []


def test_a_program_that_complains_of_certificates_makes_an_unready_one_surer() -> None:
    c = shop("web", "cart")
    _not_ready(_certificate(c))
    c.log("web", "dial tcp: i/o timeout")
    assert heads(find_issued, c) == ["0.65 certificate_invalid of Certificate/shop/cert"]
    c.log("cart", _UNTRUSTED)
    assert heads(find_issued, c) == ["0.85 certificate_invalid of Certificate/shop/cert"]


def test_without_certificates_no_rule_of_theirs_looks_at_anything() -> None:
    c = shop("web")
    c.log("web", _EXPIRED)
    assert heads(find_issued, c) == []


def test_an_expired_certificate_is_the_callee_s_fault() -> None:
    c = shop("web", "cart")
    c.log("web", "GET /", f'Get "https://cart:8080/": {_EXPIRED}')
    line = f'Get "https://cart:8080/": {_EXPIRED}'
    assert whole(find_refused, c) == [
        "0.84 certificate_invalid of Deployment/shop/cart",
        f"told: {line}",
        f"log Deployment/shop/web: {line}",
        "facts: BadCertificate remedies=[], users=[], workload=Deployment cart",
    ]


@pytest.mark.parametrize(
    ("words", "blamed"),
    [
        (_EXPIRED, "cart"),
        ("Error: CERT_HAS_EXPIRED", "cart"),
        ("x509: certificate is valid for a.example, not cart", "cart"),
        ("ERR_TLS_CERT_ALTNAME_INVALID", "cart"),
        (_UNTRUSTED, "web"),
    ],
)
def test_what_is_wrong_with_the_certificate_itself_is_the_callee_s_else_the_caller_s(
    words: str, blamed: str
) -> None:
    c = shop("web", "cart")
    c.log("web", f"https://cart:8080/: {words}")
    (head,) = heads(find_refused, c)
    assert head.endswith(f" certificate_invalid of Deployment/shop/{blamed}")


def test_a_caller_never_blames_itself_by_its_own_name() -> None:
    c = shop("web", "cart")
    c.log("web", f"web calls cart: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.84 certificate_invalid of Deployment/shop/cart"]
    c = shop("web", "cart")
    c.log("web", f"web: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.72 certificate_invalid of Deployment/shop/web"]


def test_a_caller_alone_that_stays_well_says_least_and_several_sick_ones_most() -> None:
    c = shop("web", "cart", "shelf")
    c.log("web", _UNTRUSTED)
    assert heads(find_refused, c) == ["0.72 certificate_invalid of Deployment/shop/web"]
    c.stopped("web")
    assert heads(find_refused, c) == ["0.8 certificate_invalid of Deployment/shop/web"]
    c = shop("web", "cart", "shelf")
    for caller in ("web", "shelf"):
        c.log(caller, f"https://cart:8080/: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.84 certificate_invalid of Deployment/shop/cart"]
    c.stopped("shelf")
    assert heads(find_refused, c) == ["0.92 certificate_invalid of Deployment/shop/cart"]
    c.stopped("cart")
    assert heads(find_refused, c) == ["0.92 certificate_invalid of Deployment/shop/cart"]


def test_a_callee_that_is_down_counts_as_sick() -> None:
    c = shop("web", "cart")
    c.log("web", f"https://cart:8080/: {_EXPIRED}")
    c.stopped("cart")
    assert heads(find_refused, c) == ["0.92 certificate_invalid of Deployment/shop/cart"]


def test_a_callee_that_complains_of_its_own_certificate_as_its_caller_does() -> None:
    c = shop("cart", "web")
    c.log("cart", f"own: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.72 certificate_invalid of Deployment/shop/cart"]
    c.log("web", f"https://cart:8080/: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.84 certificate_invalid of Deployment/shop/cart"]


def test_a_caller_s_newest_line_tells_whose_certificate_it_is_about() -> None:
    c = shop("web", "cart", "shelf")
    c.log("web", f"1 shelf: {_EXPIRED}", f"2 cart: {_EXPIRED}")
    assert heads(find_refused, c) == ["0.84 certificate_invalid of Deployment/shop/cart"]


def test_three_callers_are_quoted_each_by_its_newest_line() -> None:
    c = shop("cart", "a", "b", "d", "e")
    for caller in ("a", "b", "d", "e"):
        c.log(caller, f"older cart: {_EXPIRED}", f"{caller} to cart: {_EXPIRED}")
    lines = whole(find_refused, c)
    assert lines[1:5] == [
        f"told: a to cart: {_EXPIRED}",
        *(f"log Deployment/shop/{n}: {n} to cart: {_EXPIRED}" for n in ("a", "b", "d")),
    ]
    assert len(lines) == 6


def _ingress(c: Cluster, *secrets: str | None, space: str = "shop", name: str = "edge") -> Obj:
    made = c.add(
        "ingresses",
        name,
        kind="Ingress",
        spec={"tls": [{"secretName": one} if one else {} for one in secrets]},
    )
    made["metadata"]["namespace"] = space
    return made


def test_a_secret_that_an_ingress_names_and_nobody_made_is_told_with_the_nearest() -> None:
    c = shop("web")
    for name in ("web-tls-cert", "web-tlss-certs", "else"):
        c.add("secrets", name)
    _ingress(c, "else", None, "web-tls-certs")
    ref = "Ingress/shop/edge"
    text = f"certificates.secret.missing ingress={ref}, secret=web-tls-certs"
    assert whole(find_absent, c) == [
        f"0.8 certificate_secret_missing of {ref}",
        f"told: {text}",
        f"object {ref}: {text}",
        "facts: AbsentSecret index=2, ingress=object edge, name=web-tls-certs, near=web-tlss-certs",
    ]


@pytest.mark.parametrize(
    ("there", "score"),
    [("abcdefghijklmnopqxxx", 0.8), ("abcdefghijklmnopxxxx", 0.7), ("", 0.7)],
)
def test_a_secret_is_near_from_85_of_100_letters_on(there: str, score: float) -> None:
    c = shop("web")
    if there:
        c.add("secrets", there)
    _ingress(c, "abcdefghijklmnopqrst")
    assert heads(find_absent, c) == [f"{score:g} certificate_secret_missing of Ingress/shop/edge"]


def test_a_secret_of_another_namespace_does_not_serve() -> None:
    c = shop("web")
    c.add("secrets", "tls")["metadata"]["namespace"] = "other"
    _ingress(c, "tls2", space="other")
    _ingress(c, "tls")
    assert heads(find_absent, c) == ["0.7 certificate_secret_missing of Ingress/shop/edge"]


def test_secrets_that_were_not_collected_are_not_missing() -> None:
    c = shop("web")
    _ingress(c, "tls")
    del c.objects["secrets"]
    assert heads(find_absent, c) == []


def test_the_ingress_is_named_in_the_version_that_it_is_served_in() -> None:
    c = shop("web")
    _ingress(c, "tls")
    (one,) = found(find_absent, c)
    assert one.object.api_version == "networking.k8s.io/v1"


# --- what keeps a certificate from being issued


def _wanting(c: Cluster, issuer: str = "letters", kind: str = "Issuer") -> Obj:
    """The certificate of ``shop.example``, which ``edge`` presents, wants this issuer and is not ready."""
    certificate = _certificate(c, "", "shop-tls")
    certificate["spec"] |= {
        "issuerRef": {"name": issuer, "kind": kind},
        "dnsNames": ["shop.example"],
    }
    _not_ready(certificate, reason="DoesNotExist", message="not issued")
    backend = {"backend": {"service": {"name": "web", "port": {"number": 8080}}}}
    c.add(
        "ingresses",
        "edge",
        kind="Ingress",
        spec={
            "ingressClassName": "outer",
            "tls": [{"hosts": ["shop.example"], "secretName": "shop-tls"}],
            "rules": [{"http": {"paths": [backend]}}],
        },
    )
    return certificate


def _issuer(c: Cluster, name: str, kind: str = "Issuer", **solver: str) -> None:
    spec = {"acme": {"solvers": [{"http01": {"ingress": solver}}]}}
    plural = {"Issuer": "issuers", "ClusterIssuer": "clusterissuers"}[kind]
    obj = c.add(plural, name, api="cert-manager.io/v1", kind=kind, spec=spec)
    if kind == "ClusterIssuer":
        del obj["metadata"]["namespace"]


def _classes(c: Cluster, *names: str, default: str = "") -> None:
    for name in names:
        noted = {"ingressclass.kubernetes.io/is-default-class": "true"} if name == default else {}
        c.objects.setdefault("ingressclasses", []).append(
            {"kind": "IngressClass", "metadata": {"name": name, "annotations": noted}}
        )


def _mended(c: Cluster) -> list[tuple[str, str, str]]:
    """Object, field and value of each change that is proposed for the alert about ``web``."""
    return [
        (change.object.key, field.path, str(field.after))
        for plan in diagnose(c.bundle("web")).plans
        for change in plan.kubernetes_changes
        for field in change.fields
    ]


_SOLVER = "spec.acme.solvers[0].http01.ingress"


@pytest.mark.parametrize("field", ["class", "ingressClassName"])
def test_challenges_that_go_to_a_class_that_is_gone_go_to_the_class_of_the_ingress(
    field: str,
) -> None:
    c = shop("web")
    _wanting(c)
    _issuer(c, "letters", **{field: "former"})
    _classes(c, "outer", "inner")
    assert _mended(c) == [("Issuer/shop/letters", f"{_SOLVER}.{field}", "outer")]


def test_the_default_class_is_taken_where_the_ingress_names_none() -> None:
    c = shop("web")
    _wanting(c)
    del c.get("ingresses", "edge")["spec"]["ingressClassName"]
    _issuer(c, "letters", **{"class": "former"})
    _classes(c, "outer", "inner", default="inner")
    assert _mended(c) == [("Issuer/shop/letters", f"{_SOLVER}.class", "inner")]


def test_of_several_classes_none_is_guessed() -> None:
    c = shop("web")
    _wanting(c)
    del c.get("ingresses", "edge")["spec"]["ingressClassName"]
    _issuer(c, "letters", **{"class": "former"})
    _classes(c, "outer", "inner")
    assert _mended(c) == []


def test_an_issuer_of_the_other_kind_is_meant() -> None:
    c = shop("web")
    _wanting(c)
    c.objects["issuers"] = []
    _issuer(c, "letters", "ClusterIssuer", **{"class": "outer"})
    assert _mended(c) == [("Certificate/shop/cert", "spec.issuerRef.kind", "ClusterIssuer")]


def test_the_name_of_an_issuer_is_mended() -> None:
    c = shop("web")
    _wanting(c, "leters")
    _issuer(c, "letters", **{"class": "outer"})
    assert _mended(c) == [("Certificate/shop/cert", "spec.issuerRef.name", "letters")]


def test_issuers_that_nobody_collected_are_not_missing() -> None:
    c = shop("web")
    _wanting(c, "leters")
    assert _mended(c) == []


def test_an_ingress_gets_the_secret_of_the_certificate_for_its_hosts_whatever_the_name() -> None:
    c = shop("web")
    certificate = _wanting(c)
    certificate["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    c.get("ingresses", "edge")["spec"]["tls"][0]["secretName"] = "front-door"
    (found_one,) = found(find_absent, c)
    assert found_one.facts.near == "shop-tls"
    certificate["spec"]["dnsNames"] = ["other.example"]
    (found_one,) = found(find_absent, c)
    assert found_one.facts.near == ""
