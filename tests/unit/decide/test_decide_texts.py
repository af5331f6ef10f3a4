"""What rules and plans tell people is said by a catalogue, in both languages; the rest are quotations of the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from decide.core.diagnosis import diagnose
from decide.core.drafting.history import to_last_good
from decide.core.drafting.peers import comparison
from decide.core.families.no_fault.rules import quiet
from decide.core.families.registry import BUILDERS, PARTS
from decide.core.families.system import rules as dns
from decide.core.findings import Finding
from decide.core.taxonomy import FAMILIES
from decide.core.view import ClusterView
from kfix.texts import in_language
from schemas.context import ContextBundle
from schemas.text import Said
from tests.support.decide.catalogue import FAULTS
from tests.support.decide.clusters import Cluster

#: Families whose every sentence has an entry.
SPEAKING = (
    "admission",
    "autoscaling",
    "certificates",
    "gateways",
    "dependencies",
    "jobs",
    "lifecycle",
    "mesh",
    "nodes",
    "performance",
    "policies",
    "probes",
    "regressions",
    "resources",
    "runtime",
    "scheduling",
    "services",
    "startup",
    "storage",
    "strain",
    "upstreams",
    "system",
)
_PARTS = dict(zip(sorted(FAMILIES), PARTS, strict=True))


@cache
def _bundle(fault: str) -> ContextBundle:
    cluster = Cluster(3)
    for _ in range(4):
        cluster.app()
    FAULTS[fault](cluster, cluster.app())
    return cluster.bundle()


@cache
def _evidence(fault: str) -> str:
    """All of a bundle's texts on one line."""
    texts = _strings(json.loads(_bundle(fault).model_dump_json()))
    return " ".join(" ".join(text.split()) for text in texts)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):  # objects travel as JSON
            try:
                yield from _strings(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        yield from (s for item in value.values() for s in _strings(item))
    elif isinstance(value, list):
        yield from (s for item in value for s in _strings(item))


def _found(family: str, fault: str) -> list[Finding]:
    view = ClusterView(_bundle(fault))
    return [finding for rule in _PARTS[family].rules for finding in rule(view)]


def _told(finding: Finding) -> list[str]:
    return [finding.detail, *finding.against, *(fact.statement for fact in finding.evidence)]


@pytest.mark.parametrize("family", SPEAKING)
def test_what_a_rule_tells_is_a_sentence_of_a_catalogue_or_a_quotation(family: str) -> None:
    heard, silent = 0, set()
    for fault in FAULTS:
        for finding in _found(family, fault):
            for sentence in _told(finding):
                heard += 1
                quoted = sentence.removesuffix("…").strip() in _evidence(fault)
                if not isinstance(sentence, Said) and not quoted:
                    silent.add(f"{finding.failure_class}: {sentence}")
    assert not silent
    assert heard


@pytest.mark.parametrize("family", [f for f in SPEAKING if _PARTS[f].builders])
def test_what_a_plan_tells_is_a_sentence_of_a_catalogue(family: str) -> None:
    said = 0
    for fault in FAULTS:
        view = ClusterView(_bundle(fault))
        for finding in _found(family, fault):
            builder = BUILDERS.get(finding.failure_class)
            for draft in builder(finding, view) if builder else ():
                for sentence in (draft.title, draft.why, draft.time, *draft.risks):
                    assert isinstance(sentence, Said), f"{finding.failure_class}: {sentence}"
                    assert in_language(sentence, "fr")
                    said += 1
    assert said


@pytest.mark.parametrize(
    ("fields", "count", "risk"),
    [
        ({"image": "registry.example/shop:2.0"}, "1 field differs", "Nothing else changes"),
        (
            {"image": "registry.example/shop:2.0", "workingDir": "/srv"},
            "2 fields differ",
            "other changes are lost too",
        ),
    ],
)
def test_going_back_says_how_many_fields_go_back(
    fields: dict[str, str], count: str, risk: str
) -> None:
    cluster = Cluster(3)
    name = cluster.app()
    cluster.revise(name, **fields)
    view = ClusterView(cluster.bundle())
    [draft] = to_last_good(next(w for w in view.workloads if w.name == name), view)
    assert count in str(draft.why)
    assert risk in str(draft.risks[0])


def test_other_recommenders_are_named_for_comparison_and_silent_ones_are_not() -> None:
    def show(value: float) -> str:
        return f"{value:.0f}m"

    assert comparison(None, None, show) == ""
    assert comparison(3, None, show) == "For comparison: KRR's rule gives 3m."
    assert comparison(3, 5, show) == "For comparison: KRR's rule gives 3m, VPA's 5m."
    assert in_language(comparison(None, 5, show), "fr") == (
        "Pour comparaison : la règle du VPA donne 5m."
    )


def test_numbers_inside_a_plan_s_reason_have_the_reader_s_decimal_mark() -> None:
    diagnosis = diagnose(_bundle("cpu_throttling"))
    [first, *_] = BUILDERS["cpu_throttling"](diagnosis.findings[0], diagnosis.view)
    assert isinstance(first.why, str)
    assert "maximum 0,190" in in_language(first.why, "fr")


@pytest.mark.parametrize("title", ["", "[TEST] monitor", "no data"])
def test_what_is_said_where_nothing_is_wrong_is_said_in_french_too(title: str) -> None:
    cluster = Cluster(3)
    if title:
        cluster.app()
    bundle = cluster.bundle()
    alert = bundle.alert.model_copy(
        update={"title": title, "state": "no_data" if title == "no data" else "triggered"}
    )
    found = quiet(ClusterView(bundle.model_copy(update={"alert": alert})))
    for sentence in (found.detail, *(fact.statement for fact in found.evidence)):
        assert isinstance(sentence, Said)
        assert in_language(sentence, "fr") != sentence


def _of_the_dns(cluster: Cluster) -> Finding:
    found = [f for f in dns.find(ClusterView(cluster.bundle())) if "dns" in f.failure_class]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("code", ["NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_what_the_dns_is_configured_to_answer_is_said_as_it_stands(code: str) -> None:
    cluster = Cluster(3)
    cluster.app()
    text = f".:53 {{\n  template ANY ANY svc.cluster.local {{\n    rcode {code}\n  }}\n}}\n"
    cluster.objects["configmaps"].append(
        {"metadata": {"name": "coredns", "namespace": "kube-system"}, "data": {"Corefile": text}}
    )
    detail = _of_the_dns(cluster).detail
    assert f"answers {code} for" in detail
    assert f"répond {code} pour" in in_language(detail, "fr")


def test_whose_names_of_services_do_not_resolve_are_counted_without_those_who_look_for_others() -> (
    None
):
    cluster = Cluster(3)
    callee, apps = cluster.app(), [cluster.app() for _ in range(4)]
    for app in apps[:3]:
        cluster.crashed(app, 1, _lookup(f"{callee}.{cluster.namespace}.svc.cluster.local"))
    cluster.crashed(apps[3], 1, _lookup("mail.example.com"))
    assert _of_the_dns(cluster).detail.startswith("3 workloads cannot resolve")


def _lookup(host: str) -> str:
    return f"dial tcp: lookup {host}: no such host"
