"""The extra `render` brings kubectl, which builds what kustomize builds, whatever repository it is."""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kfix.infra.clients.renderers import Programs, Rendering, installed
from manifests.repository.rendering import KustomizeBuild, NotRendered
from tests.support.render import renderer
from tools.repositories.making import made

pytestmark = pytest.mark.render
LAYOUTS = ("overlays", "generated ConfigMap", "HelmRelease base and patches")


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """What is found where neither program is on PATH. Skips without the extra, fails where nothing may skip."""
    monkeypatch.setenv("PATH", "/nowhere")
    found = installed(Rendering(helm="none"))
    if Path(found.kustomize).name != "kubectl":
        assert os.environ.get("KFIX_TEST_STRICT") != "1", "the extra render is not installed"
        pytest.skip("the extra render is not installed")
    return replace(found, timeout_s=60.0)


def test_the_extra_is_found_without_any_program_on_the_path(kubectl: Programs) -> None:
    assert kubectl.missing == ()
    assert kubectl.lacking() == []


def test_it_builds_what_kustomize_builds(kubectl: Programs, renderer: Programs) -> None:
    built = 0
    for seed in range(60):
        one = made(seed)
        if one.layout not in LAYOUTS:
            continue
        with kubectl.open(one.files) as bench, renderer.open(one.files) as other:
            for path in one.files:
                folder, _, name = path.rpartition("/")
                if name == "kustomization.yaml" and not folder.startswith("components"):
                    build = KustomizeBuild(folder)
                    assert bench.render(build) == other.render(build), (seed, folder)
                    built += 1
    assert built > 40


def test_it_refuses_what_kustomize_refuses(kubectl: Programs, renderer: Programs) -> None:
    files = {"a/kustomization.yaml": "resources: [b.yaml]\n", "a/b.yaml": "kind: B\n"}
    for programs in (kubectl, renderer):
        with programs.open(files) as bench, pytest.raises(NotRendered):
            bench.render(KustomizeBuild("a"))
