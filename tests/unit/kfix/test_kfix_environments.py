"""An environment is proven by sources that agree; a conflict, a word that is not known, or the alert alone is production."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kfix.incident import environments
from kfix.incident.cluster_names import Own
from kfix.incident.environment_words import of_name, of_segment, of_value
from manifests.repository.reach import Reach
from safety.core.policy import EnvironmentPolicy, Policy
from schemas.base import ObjectRef
from schemas.context import Monitor
from schemas.places import EnvironmentProof, Statement
from tests.support.places import statement

REF = ObjectRef(kind="Deployment", namespace="shop", name="api")


@pytest.mark.parametrize(
    ("word", "environment", "place"),
    [
        ("prod", "production", "production"),
        (" PRD ", "production", "production"),
        ("live", "production", "production"),
        ("prod-eu", "production", "production"),
        ("eu-prod-1", "production", "production"),
        ("prodeu1", "production", "production"),
        ("ｐｒｏｄ", "production", "production"),
        ("prod,staging", "production", "production"),
        ("preprod", "production", "staging"),
        ("pre-production", "production", "staging"),
        ("staging", "staging", "staging"),
        ("stg-eu-west-1", "staging", "staging"),
        ("stage2", "staging", "staging"),
        ("uat", "staging", "staging"),
        ("qa", "development", "development"),
        ("test.eu", "development", "development"),
        ("sandbox", "development", "development"),
        ("staging,qa", "unknown", "unknown"),
        ("staging-mirror", "unknown", "unknown"),
        ("non-production", "unknown", "unknown"),
        ("nonprod", "unknown", "unknown"),
        ("stаging", "unknown", "unknown"),
        ("blue", "unknown", "unknown"),
        ("product", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_a_word_is_known_whole_or_it_is_no_lower_environment(
    word: str, environment: str, place: str
) -> None:
    assert of_value(word) == (environment, place)


def test_a_name_speaks_of_production_anywhere_and_of_less_at_its_ends_only() -> None:
    said = {
        name: (of_name(name) or ("",))[0]
        for name in ("shop", "prod-eu", "tools-prod-eu", "shop-staging", "qa-eu", "my-test-runner")
    }
    assert said == {
        "shop": "",
        "prod-eu": "production",
        "tools-prod-eu": "production",
        "shop-staging": "staging",
        "qa-eu": "development",
        "my-test-runner": "",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("casino-live", "mono-prd", "neon_live", "kimono-prd-1", "compre-live"),
        *("aksprdweu01", "euprd", "producao", "produccion", "produzione", "productie"),
    ],
)
def test_a_name_that_production_stands_in_says_production_whatever_stands_before_it(
    name: str,
) -> None:
    assert of_name(name) == of_segment(name) == ("production", "production")
    assert of_value(name) == ("production", "production")


@pytest.mark.parametrize("name", ["product-api", "products", "producer-2", "delivery", "alive"])
def test_words_that_only_contain_one_say_nothing(name: str) -> None:
    assert of_name(name) is of_segment(name) is None


def test_a_folder_speaks_of_less_than_production_only_with_all_its_name() -> None:
    said = {
        name: (of_segment(name) or ("",))[0]
        for name in ("staging", "staging-eu", "values-staging.yaml", "dev-portal", "prod-tools")
    }
    assert said == {
        "staging": "staging",
        "staging-eu": "staging",
        "values-staging.yaml": "staging",
        "dev-portal": "",
        "prod-tools": "production",
    }


def told(*statements: Iterator[Statement]) -> EnvironmentProof:
    return environments.judge(s for one in statements for s in one)


def objects(**labels: dict[str, str]) -> dict[str, list[Any]]:
    """A Deployment and its namespace with these labels, by ``workload``, ``template`` and ``namespace``."""
    about = {"name": "api", "namespace": "shop", "labels": labels.get("workload", {})}
    template = {"metadata": {"labels": labels.get("template", {})}}
    space = {"name": "shop", "labels": labels.get("namespace", {})}
    return {
        "deployments": [{"kind": "Deployment", "metadata": about, "spec": {"template": template}}],
        "namespaces": [{"kind": "Namespace", "metadata": space}],
    }


def test_what_speaks_is_read_from_tags_scope_query_labels_template_namespace_and_settings() -> None:
    env = {"name": "DD_ENV", "value": "prod"}
    seen = objects(
        workload={"env": "prod"},
        template={"tags.datadoghq.com/env": "prod"},
        namespace={"example.com/environment": "production"},
    )
    seen["deployments"][0]["spec"]["template"]["spec"] = {"containers": [{"env": [env]}]}
    monitor = Monitor(
        rule_id="1", tags=("stage:prod",), query="avg:x{env:prod,!env:qa} by {host} > 1"
    )
    proof = told(
        environments.of_alert({"env": "prod", "kube_cluster_name": "prod-eu"}, "stage:live"),
        environments.of_monitor(monitor),
        environments.of_cluster(Own("prod-eu", environment="production"), "shop", {"shop": "prd"}),
        environments.of_objects(seen, [REF]),
        environments.of_reaches([Reach("path", "clusters/prod/api.yaml", "path of the file")]),
    )
    assert (proof.verdict, proof.environment) == ("proven", "production")
    assert [s.source for s in proof.statements] == [
        *["alert"] * 3,
        *["monitor"] * 2,
        *["cluster"] * 2,
        "settings",
        "workload",
        *["template"] * 2,
        "namespace",
        "repository",
    ]
    assert {s.where for s in proof.statements} >= {
        "scope stage",
        "monitor query env",
        "DD_ENV of Deployment/shop/api",
        "label example.com/environment of Namespace/shop",
    }


@pytest.mark.parametrize(
    "query",
    [
        "x{!env:staging}",
        "-(env:staging)",
        "x{-env:staging}",
        "x{NOT env:staging}",
        "x{env NOT IN (staging)}",
    ],
)
def test_what_a_query_leaves_out_is_not_what_it_asks_for(query: str) -> None:
    assert list(environments.of_monitor(Monitor(rule_id="1", query=query))) == []


def test_a_query_over_two_environments_proves_neither() -> None:
    monitor = Monitor(rule_id="1", query="avg:x{env IN (prod, staging)} > 1")
    proof = told(environments.of_monitor(monitor))
    assert (proof.verdict, proof.environment) == ("conflict", "production")


@pytest.mark.parametrize(
    ("tags", "labels", "verdict", "place"),
    [
        ({}, {}, "unproven", "unknown"),
        ({"env": "staging"}, {}, "unproven", "staging"),
        ({"env": "prod,staging", "stage": "qa"}, {}, "conflict", "unknown"),
        ({"env": "staging"}, {"workload": {"env": "prod"}}, "conflict", "unknown"),
        ({"env": "staging"}, {"namespace": {"env": "blue"}}, "conflict", "staging"),
        ({"env": "preprod"}, {"namespace": {"env": "preprod"}}, "proven", "staging"),
    ],
)
def test_a_conflict_or_nobody_beside_the_alert_is_production(
    tags: dict[str, str], labels: dict[str, dict[str, str]], verdict: str, place: str
) -> None:
    proof = told(environments.of_alert(tags), environments.of_objects(objects(**labels), [REF]))
    assert (proof.environment, proof.verdict, proof.place) == ("production", verdict, place)
    assert not environments.may_merge(proof)


def test_all_that_speak_agree_on_a_lower_environment() -> None:
    proof = told(
        environments.of_alert({"env": "stg"}),
        environments.of_objects(objects(namespace={"env": "staging"}), [REF]),
    )
    assert (proof.environment, proof.verdict, proof.place) == ("staging", "proven", "staging")
    assert not environments.may_merge(proof), "the repository does not say so"


def test_names_that_happen_to_have_such_a_word_merge_nothing() -> None:
    ref = ObjectRef(kind="Deployment", namespace="sandbox", name="api")
    proof = told(
        environments.of_alert({"env": "sandbox"}),
        environments.of_cluster(Own("sandbox-1")),
        environments.of_objects({}, [ref]),
        environments.of_reaches([Reach("path", "apps/sandbox/api.yaml", "path of the file")]),
    )
    assert proof.verdict == "proven"
    assert not environments.may_merge(proof)


def test_somebody_who_may_install_the_file_anywhere_is_a_doubt() -> None:
    proof = told(
        environments.of_objects(objects(namespace={"env": "staging"}), [REF]),
        environments.of_reaches(
            [
                Reach("path", "overlays/staging/api.yaml", "path of the file"),
                Reach("unresolved", "ApplicationSet all", "nobody can tell"),
            ]
        ),
    )
    assert (proof.verdict, proof.environment) == ("conflict", "production")


def test_many_statements_are_shortened_without_losing_a_contradiction() -> None:
    tags = {f"x{n}/env": "staging" for n in range(500)} | {"last/env": "prod"}
    proof = told(environments.of_alert(tags))
    assert len(proof.statements) <= 60
    assert environments.judge(proof.statements).verdict == "conflict"


# ---- the property: 0 of 100,000 and more merge in production

LOWER = ("staging", "stage", "stg-eu", "uat", "dev", "qa", "test", "sandbox", "development")
HIGHER = ("prod", "production", "PRD", "live", "prod-eu", "eu-prod-2", "preprod", "pre-production")
STRANGE = ("blue", "canary", "nonprod", "staging-mirror", "x", "dev-john", "staging qa")
KEYS = ("env", "environment", "stage", "tags.datadoghq.com/env", "corp.io/environment", "Env")
PEOPLE = (
    "tag",
    "scope",
    "monitor tag",
    "monitor query",
    "workload",
    "template",
    "namespace",
    "cluster name",
    "cluster environment",
    "namespace setting",
    "path",
    "cluster of the file",
)
OF_ALERT = ("tag", "scope")
RUNS = 1_000_000 if os.environ.get("KFIX_TEST_FULL") else 100_000


def spoken(said: dict[str, str], key: str) -> EnvironmentProof:
    """The proof of a world in which these people say these words."""
    labels = {who: {key: said[who]} for who in ("workload", "template", "namespace") if who in said}
    query = f'avg:x{{{key}:"{said["monitor query"]}"}} > 1' if "monitor query" in said else ""
    tags = (f"{key}:{said['monitor tag']}",) if "monitor tag" in said else ()
    reaches = (
        [Reach("path", f"overlays/{said['path']}/api.yaml", "path of the file")]
        if "path" in said
        else []
    )
    if "cluster of the file" in said:
        reaches.append(Reach("name", said["cluster of the file"], "Application"))
    return told(
        environments.of_alert(
            {key: said["tag"]} if "tag" in said else {},
            f'{key}:"{said["scope"]}"' if "scope" in said else "",
        ),
        environments.of_monitor(Monitor(rule_id="1", tags=tags, query=query)),
        environments.of_cluster(
            Own(
                said.get("cluster name", "c1"),
                environment=said.get("cluster environment", ""),
            ),
            "shop",
            {"shop": said["namespace setting"]} if "namespace setting" in said else {},
        ),
        environments.of_objects(objects(**labels), [REF]),
        environments.of_reaches(reaches),
    )


def in_production(draw: random.Random) -> dict[str, str]:
    """A world that is production: somebody says so among liars, or nobody but alert and repository says anything, or
    somebody uses a word of their own."""
    word = draw.choice(LOWER)
    lies = {who: draw.choice((word, word, draw.choice(LOWER))) for who in PEOPLE}
    said = {who: lie for who, lie in lies.items() if draw.random() < 0.7}
    kind = draw.randrange(4)
    if kind == 0:
        for who in draw.sample(PEOPLE, draw.choice((1, 1, 1, 2, 3))):
            said[who] = draw.choice(HIGHER)
    elif kind == 1:
        return {
            who: lies[who] for who in draw.sample((*OF_ALERT, "path", "cluster of the file"), 2)
        }
    elif kind == 2:
        honest = tuple(
            who for who in PEOPLE if who not in ("cluster name", "path", "cluster of the file")
        )
        said[draw.choice(honest)] = draw.choice(STRANGE)
    else:
        said = {who: lie for who, lie in said.items() if who not in ("path", "cluster of the file")}
    return said


def any_policy(draw: random.Random) -> Policy:
    def rules() -> EnvironmentPolicy:
        return EnvironmentPolicy(auto_merge=draw.random() < 0.9)

    words = draw.sample((*LOWER, *STRANGE, "prod", ""), 2) if draw.random() < 0.5 else ()
    return Policy(
        production=rules(),
        staging=rules(),
        development=rules(),
        protected_environments=tuple(words),
    )


def test_nothing_merges_in_production_whatever_settings_tags_and_labels_say() -> None:
    draw, merged = random.Random(20261130), []
    policies = [any_policy(draw) for _ in range(200)]
    for _ in range(RUNS):
        said, key, policy = in_production(draw), draw.choice(KEYS), draw.choice(policies)
        proof = spoken(said, key)
        if policy.merges_by_itself(proof, "set_cpu"):
            merged.append((said, key, policy.protected_environments))
    assert merged == []


def test_a_lower_environment_that_everybody_names_merges_unless_it_is_protected() -> None:
    """The property above could not fail if nothing ever merged."""
    draw, free, guarded = random.Random(7), 0, 0
    for _ in range(500):
        word = draw.choice(LOWER)
        proof = spoken(dict.fromkeys(PEOPLE, word), draw.choice(KEYS))
        free += environments.may_merge(proof)
        guarded += environments.may_merge(proof, (word,))
    assert (free, guarded) == (500, 0)


def test_a_record_whose_proof_was_made_up_does_not_merge() -> None:
    honest = spoken(dict.fromkeys(PEOPLE, "staging"), "env")
    assert environments.may_merge(honest)
    lying = honest.statements[0].model_copy(
        update={"source": "namespace", "environment": "production"}
    )
    forged = honest.model_copy(update={"statements": (*honest.statements, lying)})
    assert forged.environment == "staging"
    assert not environments.may_merge(forged)
    assert not environments.may_merge(EnvironmentProof(environment="staging", verdict="proven"))


@pytest.mark.parametrize(
    ("said", "folder"),
    [
        (("uat",), "uat"),
        (("uat", "staging-eu"), "uat"),
        (("stg", "stg"), "stg"),
        (("stg", "staging"), "staging"),
        (("prod-2",), "prod"),
        (("preprod",), "preprod"),
        (("qa", "dev"), "qa"),
        (("qa", "sandbox"), "development"),
        (("test", "testing"), "test"),
        (("prod", "staging"), "unknown"),
        (("blue",), "unknown"),
        ((), "unknown"),
    ],
)
def test_folders_are_called_as_those_say_it_who_speak(said: tuple[str, ...], folder: str) -> None:
    proof = environments.judge(statement("namespace", word) for word in said)
    assert environments.called(proof) == folder
