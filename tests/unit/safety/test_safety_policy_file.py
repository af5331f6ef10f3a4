"""The policy file: what it leaves out has its default, what cannot be read stops the stage with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safety.adapters.policy_file import checked, read_policy
from safety.core import Policy
from safety.core.policy import ClusterPolicy
from schemas import errors
from tests.support.places import proof


def test_without_a_file_the_defaults_hold() -> None:
    assert read_policy("") == Policy()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only a comment\n", {}),
        ("{}", {}),
        ("max_replicas: 7\n", {"max_replicas": 7}),
        ("version: ours-3\nmax_factor: 2\n", {"version": "ours-3", "max_factor": 2.0}),
        (
            "protected_namespaces: [kube-system, vault]\n",
            {"protected_namespaces": ("kube-system", "vault")},
        ),
        ("protected_namespaces: []\n", {"protected_namespaces": ()}),
    ],
)
def test_what_a_file_says_replaces_the_default_of_that_field_alone(
    tmp_path: Path, text: str, expected: dict[str, Any]
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    assert read_policy(str(file)) == Policy().model_copy(update=expected)


def test_an_environments_rules_are_read_and_bounded(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "production: {auto_merge: true, forbidden_fixes: [set_image]}\nstaging: {propose: false}\n"
    )
    policy = read_policy(str(file))
    assert policy.production.forbidden_fixes == ("set_image",)
    assert not policy.merges_by_itself(proof("production"), "set_cpu")
    assert not policy.of("staging").propose
    assert policy.of("unknown") == policy.production


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "seven",
        "max_replicas: [",
        "max_replicas: many",
        "max_replicas: 0",
        "max_factor: 1",
        "max_factor: .inf",
        "max_factor: .nan",
        "max_cpu_cores: -1",
        "max_replica: 7",
        "production: {propse: true}",
        "production: true",
        "production: {forbidden_fixes: [set_everything]}",
        "development: {tolerated_unknowns: [everything]}",
        "production: null",
        "clusters: [eu]",
        "clusters: {eu: {propose: maybe}}",
        "clusters: {eu: {tolerated_unknowns: [render]}}",
        "version: {a: 1}",
        "a: 1\n---\nb: 2",
        "!!python/object:os.system {}",
        "\x00",
        "\xff\xfe\x00",
        "a: " + "[" * 3000,
        "veto_after_failures: 0",
        "max_replicas: 7.5",
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text, "latin-1")
    with pytest.raises(errors.Permanent) as refused:
        read_policy(str(file))
    assert refused.value.reason == "bad_policy"
    assert str(file) in str(refused.value)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_is_not_there_is_no_reason_for_the_defaults(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.Permanent, match="cannot be read"):
        read_policy(str(tmp_path / name))


def test_a_cluster_takes_away_from_the_rules_of_its_environment_and_adds_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "staging: {auto_merge: true, forbidden_fixes: [set_image]}\n"
        "production: {propose: false}\n"
        "clusters:\n"
        "  eu: {auto_merge: false, forbidden_fixes: [set_cpu]}\n"
        "  us: {propose: false, auto_merge: true}\n"
    )
    policy = checked(read_policy(str(file)), ["eu", "us", "ap"])
    eu, us, ap = (policy.in_cluster(name) for name in ("eu", "us", "ap"))
    assert ap == policy.in_cluster("") == policy
    assert policy.merges_by_itself(proof("staging"), "set_cpu")
    assert not eu.merges_by_itself(proof("staging"), "set_memory")
    assert eu.staging.forbidden_fixes == ("set_image", "set_cpu")
    assert eu.of("unknown").forbidden_fixes == ("set_cpu",)
    assert eu.staging.propose
    assert not us.of("staging").propose
    assert not eu.production.propose
    assert not us.merges_by_itself(proof("production"), "set_cpu")


def test_a_policy_for_a_cluster_that_nobody_has_is_refused(tmp_path: Path) -> None:
    policy = Policy(clusters={"euu": ClusterPolicy()})
    with pytest.raises(errors.Permanent, match="euu"):
        checked(policy, ["eu"])
    assert checked(policy, ["euu"]) is policy
