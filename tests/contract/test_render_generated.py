"""Repositories made by chance, of layers, installers, names and environments: no edit of any of them is wrong.

A seed is a repository (``tools.repositories``). ``KFIX_TEST_FULL=1`` asks 2,000 of them.
"""

# ruff: noqa: F401, F811  (fixtures are imported by name)

from __future__ import annotations

import os
from collections import Counter

import pytest

from kfix.infra.clients.renderers import Programs
from tests.support.render import renderer
from tools.repositories.asking import Asked, ask
from tools.repositories.judge import Real, judged
from tools.repositories.making import MAKERS, made
from tools.repositories.model import Made

pytestmark = pytest.mark.render
SEEDS = 2_000 if os.environ.get("KFIX_TEST_FULL") == "1" else 60
#: Of what a safe edit exists for; the whole table is in docs/locating.md.
RIGHT = 0.8


@pytest.fixture
def real(renderer: Programs) -> Real:
    return Real(renderer.kustomize, renderer.helm)


def test_no_edit_of_any_repository_is_wrong_and_most_safe_ones_are_made(
    renderer: Programs, real: Real
) -> None:
    found = [ask(seed, renderer, real) for seed in range(SEEDS)]
    assert not [named(one) for one in found if one.verdict == "WRONG"]
    counts = Counter(one.verdict for one in found)
    safe = counts["right"] + counts["refused though safe"]
    assert counts["right"] >= RIGHT * safe, [
        named(one) for one in found if one.verdict == "refused though safe"
    ]


#: Seeds of the first twelve makers whose edit was wrong once, or refused though a safe one exists.
MENDED = (17, 48, 52, 59, 76, 100, 114, 203, 208, 347, 390)


@pytest.mark.parametrize("seed", MENDED)
def test_what_was_mended_stays_so(seed: int, renderer: Programs, real: Real) -> None:
    assert ask(seed, renderer, real, MAKERS[:12]).verdict in ("right", "refused rightly")


def named(one: Asked) -> str:
    """What a person looks for."""
    return f"seed {one.seed}, {one.made.layout} by {one.made.installer}: {one.why} {one.refused}"


def test_a_seed_is_always_the_same_repository() -> None:
    for seed in range(40):
        assert made(seed).files == made(seed).files


def of_layout(layout: str, **wanted: object) -> Made:
    """The first repository of a layout, with a question of that sort."""
    for seed in range(2_000):
        one = made(seed)
        if one.layout == layout and all(getattr(one, key) == v for key, v in wanted.items()):
            return one
    raise AssertionError(layout)


def test_the_judge_finds_what_reaches_another_environment(real: Real) -> None:
    one = of_layout("one folder", traits=("3 environments",))
    text = one.files["apps/api/api.yaml"]
    after = {**one.files, "apps/api/api.yaml": text.replace("256Mi", "777Mi")}
    verdict, why = judged(one, after, real)
    assert verdict == "WRONG"
    assert "too" in why or "otherwise" in why or "times" in why


def test_the_judge_finds_an_edit_that_changes_nothing_or_something_else(real: Real) -> None:
    one = of_layout("plain folders")
    assert judged(one, one.files, real) == ("WRONG", "the field changes 0 times")
    path = next(p for p in one.files if f"/{one.env}/" in p and p.endswith("api.yaml"))
    after = {**one.files, path: one.files[path].replace("app: api", "app: other")}
    assert "otherwise" in judged(one, after, real)[1]


def test_the_judge_finds_a_repository_that_is_rendered_no_more(real: Real) -> None:
    one = of_layout("overlays", installer="nobody")
    after = {**one.files, "base/kustomization.yaml": "resources: [gone.yaml]\n"}
    assert "rendered no more" in judged(one, after, real)[1]


def test_a_refusal_is_right_only_where_no_known_edit_is(real: Real) -> None:
    plain = of_layout("plain folders")
    assert judged(plain, None, real)[0] == "refused though safe"
    shared = of_layout("one folder", installer="script", traits=("3 environments",))
    assert judged(shared, None, real)[0] == "refused rightly"
