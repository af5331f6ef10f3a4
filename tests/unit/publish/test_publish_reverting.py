"""A merged change taken back in the file as it is now: our lines alone, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.text.diffs import between, unified
from publish.core.decision import sha256
from publish.core.reverting import InTheWay, taken_back
from schemas.validated import FileEdit

BEFORE = """\
# cart keeps what people want
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: app
        resources:
          requests: {cpu: 100m}
          limits:
            cpu: 500m
            memory: 256Mi   # was enough once
      - name: proxy
        resources:
          limits:
            memory: 64Mi
"""
AFTER = BEFORE.replace("memory: 256Mi   #", "memory: 384Mi   #")
PATH = "apps/cart.yaml"


def edit(before: str = BEFORE, after: str = AFTER) -> FileEdit:
    return FileEdit(
        project="shop/deployments",
        path=PATH,
        ref="main",
        base_commit="c0",
        before_sha256=sha256(before.encode()) if before else "",
        after_sha256=sha256(after.encode()),
        after=after,
        diff=unified(PATH, before, between(before, after)),
    )


def back(now: str | None, **made: str) -> FileEdit:
    found = taken_back(edit(**made), now, "c9")
    assert isinstance(found, FileEdit), found
    return found


def refused(now: str | None, **made: str) -> str:
    found = taken_back(edit(**made), now, "c9")
    assert isinstance(found, InTheWay)
    return found.why


def test_the_file_as_we_left_it_becomes_what_it_was_byte_for_byte() -> None:
    made = back(AFTER)
    assert made.after == BEFORE
    assert (made.base_commit, made.before_sha256) == ("c9", sha256(AFTER.encode()))
    assert (made.added_lines, made.removed_lines) == (1, 1)
    assert "-            memory: 384Mi   # was enough once\n+            memory: 256Mi" in made.diff


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("replicas: 2", "replicas: 5"),
        ("# cart keeps", "# new words\n# cart keeps"),
        ("cpu: 500m", "cpu: 700m"),
        ("memory: 64Mi", "memory: 96Mi"),
        ("      - name: app\n", "      - name: first\n        image: x\n      - name: app\n"),
        ("memory: 64Mi\n", "memory: 64Mi\n---\nkind: ConfigMap\nmetadata: {name: more}\n"),
    ],
)
def test_what_others_changed_elsewhere_stays(old: str, new: str) -> None:
    assert back(AFTER.replace(old, new)).after == BEFORE.replace(old, new)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (AFTER.replace("384Mi", "400Mi"), "memory: 400Mi   # was enough once"),
        (AFTER.replace("# was enough once", "# ask ada first"), "# ask ada first"),
        (AFTER.replace("            memory: 384Mi   # was enough once\n", ""), "no line"),
        (BEFORE, "has the values of before again"),
        (BEFORE.replace("replicas: 2", "replicas: 4"), "has the values of before again"),
        (None, "is not there any more"),
        ("a: [", "apps/cart.yaml"),
    ],
)
def test_where_our_line_is_not_ours_any_more_nothing_is_taken_back_and_the_line_is_told(
    now: str | None, says: str
) -> None:
    assert says in refused(now)


def test_our_line_under_another_container_is_not_ours() -> None:
    moved = AFTER.replace("- name: app", "- name: other")
    assert "certain" in refused(moved)


def test_lines_that_were_added_go_and_lines_that_were_taken_come_back() -> None:
    more = BEFORE.replace("cpu: 500m\n", "cpu: 500m\n            ephemeral-storage: 1Gi\n")
    assert back(more, after=more).after == BEFORE
    less = BEFORE.replace("            cpu: 500m\n", "")
    assert back(less, after=less).after == BEFORE
    elsewhere = less.replace("replicas: 2", "replicas: 5")
    assert back(elsewhere, after=less).after == BEFORE.replace("replicas: 2", "replicas: 5")
    between_the_two = less.replace(
        "          limits:\n            memory: 384", "          limits:\n"
    ).replace(
        "          limits:\n            memory: 256",
        "          limits:\n            x: 1\n            memory: 256",
    )
    assert refused(between_the_two, after=less)


def test_a_file_that_we_made_is_not_taken_away() -> None:
    assert "a person" in refused("kind: X\n", before="", after="kind: X\n")


@settings(max_examples=150, deadline=None)
@given(
    cut=st.integers(min_value=0, max_value=len(AFTER.splitlines())),
    words=st.sampled_from(
        ["# said\n", "\n", "spec: 1\n", "            memory: 384Mi   # was enough once\n"]
    ),
    drop=st.booleans(),
)
def test_whatever_one_line_somebody_adds_or_takes_only_our_line_ever_changes(
    cut: int, words: str, drop: bool
) -> None:
    lines = AFTER.splitlines(keepends=True)
    now = "".join(lines[:cut] + ([] if drop else [words]) + lines[cut + drop :])
    found = taken_back(edit(), now, "c9")
    if isinstance(found, FileEdit):
        changed = between(now, found.after)
        assert [(one.old, one.new) for one in changed] == [
            (
                ("            memory: 384Mi   # was enough once\n",),
                ("            memory: 256Mi   # was enough once\n",),
            )
        ]
