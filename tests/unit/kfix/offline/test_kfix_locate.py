"""`kfix locate`: the way to an object's file, on the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kfix.cli import edit

MANIFEST = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for folder in ("eu", "us"):
        (tmp_path / "repo" / folder).mkdir(parents=True)
        (tmp_path / "repo" / folder / "api.yaml").write_text(MANIFEST)
    return tmp_path / "repo"


def run(*args: str) -> Any:
    app = typer.Typer()
    edit.register(app)
    return CliRunner().invoke(app, ["locate", *args])


def live(folder: Path, name: str = "api") -> str:
    mapping = {"repo": {"url": "https://gitlab.example.com/shop/deploy", "path": "us"}}
    annotations = {"origin.datadoghq.com/location": json.dumps(mapping)}
    item = {"kind": "Deployment", "metadata": {"name": name, "annotations": annotations}}
    file = folder / "live.json"
    file.write_text(json.dumps(item))
    return str(file)


def test_what_the_live_object_says_decides(repo: Path, tmp_path: Path) -> None:
    args = ("Deployment/shop/api", "--repo", str(repo), "--project", "shop/deploy")
    done = run(*args, "--live", live(tmp_path))
    assert done.exit_code == 0, done.output
    assert done.stdout == "us/api.yaml document 0\n"
    assert "Datadog's resource mapping leads to us" in done.stderr


def test_two_answers_are_refused_with_the_way_so_far(repo: Path) -> None:
    done = run("Deployment/shop/api", "--repo", str(repo))
    assert done.exit_code == 3
    assert done.stdout == ""
    assert "1. 2 documents declare Deployment api" in done.stderr
    assert "AMBIGUOUS_DOC" in done.stderr


def test_another_repositorys_object_is_said_to_be_one(repo: Path, tmp_path: Path) -> None:
    args = ("Deployment/shop/api", "--repo", str(repo), "--project", "shop/other")
    done = run(*args, "--live", live(tmp_path))
    assert done.exit_code == 3
    assert "gitlab.example.com/shop/deploy" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("Deployment",),
        ("Deployment/shop/api", "--field", "spec..x["),
        ("Deployment/shop/api", "--live", "/nowhere.json"),
    ],
)
def test_wrong_usage_ends_with_two(repo: Path, args: tuple[str, ...]) -> None:
    assert run(*args, "--repo", str(repo)).exit_code == 2


def test_a_file_with_another_object_is_wrong_usage(repo: Path, tmp_path: Path) -> None:
    done = run("Deployment/shop/api", "--repo", str(repo), "--live", live(tmp_path, "other"))
    assert done.exit_code == 2


def test_who_reads_the_file_is_said_and_two_of_them_are_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s/api.yaml").write_text(MANIFEST)
    for env in ("dev", "prod"):
        (tmp_path / f"{env}.yaml").write_text(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api, namespace: argocd}\n"
            "spec:\n  destination: {namespace: shop}\n  source: {repoURL: x, path: k8s}\n"
        )
    args = ("Deployment/shop/api", "--repo", str(tmp_path), "--field", "spec.replicas")
    done = run(*args, "--env", "prod")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "k8s/api.yaml is read by\ndevelopment\n└─ no cluster said, shop\n" in done.stderr
    assert "   └─ Application/argocd/api in dev.yaml (Argo CD)\n" in done.stderr
    assert "would change in 2 places" in done.stderr
    (tmp_path / "dev.yaml").unlink()
    done = run(*args, "--env", "prod")
    assert (done.exit_code, done.stdout) == (0, "k8s/api.yaml document 0\n")
    assert "rendered before and after: an edit of k8s/api.yaml changes it" in done.stderr
    assert run(*args, "--env", "staging").exit_code == 3
