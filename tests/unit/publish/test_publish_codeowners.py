"""CODEOWNERS as GitLab reads it. The files are like those of GitLab's reference page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfix.infra.forges.gitlab.codeowners import parse

FILE = r"""
# owners of everything, unless something below says more
* @default-owner

*.yaml @yaml-owner second@example.com
/top.yaml @top
docs/ @docs-team/writers
/config/**/*.yml @config
README @nobody-else
path\ with\ spaces/ @space-owner
\#strange.txt @hash-owner
/apps/cart/ # not owned by anybody

[Apps][2] @apps-team @@maintainer
/apps/
/apps/checkout/ @checkout
!/apps/checkout/generated.yaml

^[Optional docs]
*.md @doc-team

[apps]
/apps/cart/secret.yaml @security
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("main.go", ["@default-owner"]),
        ("a.yaml", ["@yaml-owner", "second@example.com"]),
        ("x/y/a.yaml", ["@yaml-owner", "second@example.com"]),
        ("top.yaml", ["@top"]),
        ("x/top.yaml", ["@yaml-owner", "second@example.com"]),
        ("docs/a/b.txt", ["@docs-team/writers"]),
        ("x/docs/b.txt", ["@docs-team/writers"]),
        ("config/a.yml", ["@config"]),
        ("config/a/b/c.yml", ["@config"]),
        ("README", ["@nobody-else"]),
        ("x/README", ["@nobody-else"]),
        ("path with spaces/x", ["@space-owner"]),
        ("#strange.txt", ["@hash-owner"]),
        ("apps/other/a.json", ["@default-owner", "@apps-team", "@@maintainer"]),
        ("apps/checkout/a.json", ["@default-owner", "@checkout"]),
        ("apps/checkout/generated.yaml", ["@yaml-owner", "second@example.com"]),
        ("apps/cart/a.json", ["@apps-team", "@@maintainer"]),
        ("apps/cart/secret.yaml", ["@security"]),
        ("a.md", ["@default-owner", "@doc-team"]),
    ],
)
def test_owners(path: str, owners: list[str]) -> None:
    assert list(parse(FILE).of([path])) == owners


def test_owners_of_several_files_come_once_each() -> None:
    found = parse("*.yaml @a @b\n*.json @b @c\n").of(["x.yaml", "y.json"])
    assert found == ("@a", "@b", "@c")


def test_the_last_match_wins_and_not_the_longest() -> None:
    assert parse("/a/b/c.yaml @precise\n*.yaml @general\n").of(["a/b/c.yaml"]) == ("@general",)


def test_an_exclusion_counts_also_for_patterns_after_it() -> None:
    assert parse("*.yaml @a\n!x.yaml\nx.yaml @b\n").of(["x.yaml"]) == ()


@pytest.mark.parametrize(
    ("line", "owners"),
    [
        ("* @a/b/c", ("@a/b/c",)),
        ("* @a,@b", ("@a", "@b")),
        ("* a@example.com", ("a@example.com",)),
        ("* @@developers", ("@@developers",)),
        ("* just words", ()),
        ("*", ()),
        ("* @a @a", ("@a",)),
        ("* @evil/../../x", ("@evil",)),
        ("* `@a`", ("@a",)),
    ],
)
def test_how_owners_are_written(line: str, owners: tuple[str, ...]) -> None:
    assert parse(line).of(["x"]) == owners


@given(st.text("[]^!#*@/\\ \nab.", max_size=80), st.text("ab/.", min_size=1, max_size=10))
def test_every_text_is_read(text: str, path: str) -> None:
    for owner in parse(text).of([path]):
        assert "@" in owner
        assert not set(owner) & set(" \n`<>")


def test_a_hostile_file_costs_little() -> None:
    assert parse("*a" * 100_000 + " @a").of(["a" * 500]) == ()
    assert len(parse("x @a\n" * 100_000).sections[0].entries) == 5_000
