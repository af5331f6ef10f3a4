"""The file that tells of several clusters: what it says is read whole, and what it cannot say is refused by entry and name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kfix.incident.cluster_names import Own
from kfix.infra.clusters import clusters, fleet
from kfix.infra.settings import BadSettings
from schemas import errors

Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the file and names it; ``TOKEN`` in it stands for a file with a token."""
    token = tmp_path / "token"
    token.write_text("secret-of-a-cluster\n")
    file = tmp_path / "clusters.yaml"
    monkeypatch.setenv("KFIX_CLUSTERS_FILE", str(file))

    def writing(text: str) -> None:
        file.write_text(text.replace("TOKEN", str(token)))

    return writing


TWO = """
- name: prod-eu
  aliases: [eks-prod-eu]
  environment: production
  uid: aaaa
  kubernetes: {url: "https://10.0.0.1:6443", token_file: TOKEN, timeout_s: 5, at_once: 4, lock_probe: kfix/probe}
  repositories: [shop/deployments]
- name: qa
"""


def test_each_entry_is_a_cluster(write: Write) -> None:
    write(TWO)
    eu, qa = clusters()
    assert eu.own == Own(
        "prod-eu", ("eks-prod-eu",), "production", "aaaa", said_in="KFIX_CLUSTERS_FILE"
    )
    connection = eu.connection
    assert (connection.url, connection.timeout_s, connection.at_once, connection.lock_probe) == (
        "https://10.0.0.1:6443",
        5.0,
        4,
        "kfix/probe",
    )
    assert connection.token_file.endswith("token")
    assert (qa.own.name, qa.connection.url, qa.connection.at_once) == ("qa", "", 16)
    assert [own.name for own in fleet().clusters] == ["prod-eu", "qa"]


def test_repositories_are_narrowed_to_those_that_deploy_there(write: Write) -> None:
    write(TWO)
    eu, qa = clusters()
    assert eu.projects(["shop/apps", "shop/deployments"]) == ("shop/deployments",)
    assert qa.projects(["shop/apps", "shop/deployments"]) == ("shop/apps", "shop/deployments")
    with pytest.raises(errors.Rejected, match=r"prod-eu: shop/deployments"):
        eu.projects(["shop/apps"])


def test_without_the_file_there_is_one_cluster_as_the_variables_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KFIX_CLUSTER_NAME", "prod-eu")
    monkeypatch.setenv("KFIX_KUBERNETES_URL", "https://10.0.0.1")
    (one,) = clusters()
    assert (one.own, one.connection.url, one.repositories) == (
        Own("prod-eu"),
        "https://10.0.0.1",
        (),
    )


def test_two_descriptions_are_refused_with_the_variables_names(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TWO)
    monkeypatch.setenv("KFIX_KUBERNETES_TOKEN", "hush")
    monkeypatch.setenv("KFIX_CLUSTER_NAME", "prod-eu")
    # A default, and what is empty, says nothing.
    monkeypatch.setenv("KFIX_KUBERNETES_URL", "")
    monkeypatch.setenv("KFIX_KUBERNETES_AT_ONCE", "16")
    with pytest.raises(BadSettings) as failure:
        clusters()
    assert [line.partition(":")[0] for line in failure.value.lines] == [
        "KFIX_CLUSTER_NAME",
        "KFIX_KUBERNETES_TOKEN",
    ]
    assert "hush" not in str(failure.value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["0 YAML documents in place of one list"]),
        ("name: a", ["no list of clusters"]),
        ("[]", ["no list of clusters"]),
        ("- name: a\n---\n- name: b", ["2 YAML documents"]),
        ("- name: a\n  name: b", ["a key stands twice"]),
        ("- name: [", ["did not find expected node content at line 2"]),
        ("- a", ["cluster 1: Input should be"]),
        ("- {aliases: [a]}", ["cluster 1: name: Field required"]),
        ("- {name: a, alias: b}", ["cluster 1 ('a'): alias: Extra inputs"]),
        ("- {name: a, aliases: b}", ["cluster 1 ('a'): aliases: Input should be a valid tuple"]),
        ("- {name: no}", ["cluster 1: name: Input should be a valid string"]),
        ("- {name: 'a,b'}", ["cluster 1 ('a,b'): name: no name of a cluster"]),
        ("- {name: 'prod-*'}", ["cluster 1 ('prod-*'): name: no name"]),
        ("- {name: Other}", ["cluster 1 ('Other'): name: other is what metrics call"]),
        (
            "- {name: a, kubernetes: {timeout_s: 0}}\n- {name: b, kubernetes: {at_once: x}}",
            ["cluster 1 ('a'): kubernetes.timeout_s: ", "cluster 2 ('b'): kubernetes.at_once: "],
        ),
        ("- {name: a, kubernetes: {urls: x}}", ["('a'): kubernetes.urls: Extra inputs"]),
        (
            "- {name: a, kubernetes: {url: 'https://a', token: hush}}",
            ["('a'): kubernetes: token: no secret stands in this file"],
        ),
        (
            "- {name: a, kubernetes: {cluster: b}}",
            ["kubernetes: cluster: the entry's"],
        ),
        ("- {name: a, kubernetes: {url: 'https://me:hush@a'}}", ["url: no secret stands"]),
        ("- {name: a, kubernetes: {url: '10.0.0.1'}}", ["kubernetes: url: neither"]),
        (
            "- {name: a, kubernetes: {url: 'https://a', token_file: /nowhere/hush}}",
            ["('a'): kubernetes.token_file: no file that can be read"],
        ),
        ("- {name: a, kubernetes: {token_file: TOKEN}}", ["token_file: only with url"]),
        ("- {name: a, kubernetes: {context: c}}", ["context: only with kubeconfig"]),
        (
            "- {name: a, kubernetes: {url: 'https://a', kubeconfig: TOKEN}}",
            ["url and kubeconfig: one of them"],
        ),
        (
            "- {name: a, kubernetes: {url: 'https://a'}}\n- {name: A, kubernetes: {url: 'https://b'}}",
            ["clusters 'a' and 'A' have a name or an alias in common"],
        ),
        (
            "- {name: a, kubernetes: {url: 'https://a'}}\n- {name: b, kubernetes: {url: 'https://A/'}}",
            ["clusters 'a' and 'b' have one connection"],
        ),
        ("- {name: a}\n- {name: b}", ["clusters 'a' and 'b' have one connection"]),
        (
            "- {name: a, uid: x}\n- {name: b, uid: X, kubernetes: {url: 'https://b'}}",
            ["clusters 'a' and 'b' have one uid"],
        ),
    ],
)
def test_what_is_wrong_is_told_by_entry_and_name_and_never_with_its_value(
    write: Write, text: str, lines: list[str]
) -> None:
    write(text)
    with pytest.raises(BadSettings) as failure:
        clusters()
    assert len(failure.value.lines) == len(lines)
    for line, wanted in zip(failure.value.lines, lines, strict=True):
        assert line.startswith("KFIX_CLUSTERS_FILE: ")
        assert wanted in line
        assert "hush" not in line


def test_names_that_mean_no_cluster_cannot_be_those_of_one(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(TWO)
    monkeypatch.setenv("KFIX_CLUSTERS_IGNORED", '["es-logs"]')
    assert fleet().ignored == ("es-logs",)
    monkeypatch.setenv("KFIX_CLUSTERS_IGNORED", '["es-logs", "EKS-prod-eu"]')
    with pytest.raises(BadSettings, match=r"KFIX_CLUSTERS_IGNORED: 'EKS-prod-eu' is a name"):
        fleet()


def test_a_proxy_may_tell_clusters_apart_by_the_clients_certificate(
    write: Write, tmp_path: Path
) -> None:
    entries = []
    for name in ("a", "b"):
        (tmp_path / name).touch()
        entry = f"url: 'https://proxy', client_cert_file: {tmp_path / name}"
        entries.append(f"- {{name: {name}, kubernetes: {{{entry}}}}}")
    write("\n".join(entries))
    assert len(clusters()) == 2


def test_a_file_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFIX_CLUSTERS_FILE", "/nowhere/clusters.yaml")
    with pytest.raises(BadSettings, match="KFIX_CLUSTERS_FILE: No such file"):
        clusters()


def test_nothing_of_an_entry_comes_from_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KFIX_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    write(TWO)
    assert [one.connection.token.get_secret_value() for one in clusters()] == ["", ""]
