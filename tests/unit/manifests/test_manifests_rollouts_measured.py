"""The arithmetic of rollouts against what a real control plane did with hundreds of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.rollouts import computed, ended, rows

#: Rows whose numbers hang on which of two controllers is faster: pods of the old and of the new template that want the
#: quota's last room at one moment. Whether the rollout gets through does not hang on it.
RACES = 0.02


def test_every_measured_rollout_gets_through_exactly_where_the_arithmetic_says() -> None:
    wrong = []
    for row in rows():
        found, wanted = computed(row), row["steps"][-1]["replicas"]
        if found.complete != (ended(row) == (wanted, wanted, 0)):
            wrong.append((row, found.stop))
    assert wrong == []


def test_the_pods_of_each_template_are_as_many_as_the_arithmetic_says() -> None:
    wrong = [row for row in rows() if says(row) != ended(row)]
    assert len(wrong) <= RACES * len(rows()), wrong


def says(row: dict[str, Any]) -> tuple[int, int, int]:
    found = computed(row)
    return found.new.made, found.new.ready, sum(one.made for one in found.old)


def test_no_measured_rollout_takes_more_than_the_arithmetic_says() -> None:
    wrong = []
    for row in rows():
        found, most = computed(row), row["peak"]
        if most["pods"] > found.peak["pods"] or most["cpu"] > found.peak["requests.cpu"] * 1000:
            wrong.append(row)
    assert len(wrong) <= RACES * len(rows()), wrong


def test_pods_at_the_height_are_as_many_as_the_arithmetic_says() -> None:
    same = [row for row in rows() if row["peak"]["pods"] == computed(row).peak["pods"]]
    assert len(same) >= (1 - RACES) * len(rows())


def test_no_measured_rollout_has_fewer_ready_pods_than_the_arithmetic_says() -> None:
    assert [row for row in rows() if row["peak"]["ready"] < computed(row).fewest_ready] == []


def test_the_table_holds_enough_of_each_kind() -> None:
    kinds = Counter(row["kind"] for row in rows())
    assert len(rows()) >= 300
    assert min(kinds.values()) >= 40
    assert sum(not computed(row).complete for row in rows()) >= 60
