"""Every table and every topic says how long it keeps what is in it, and why."""

from __future__ import annotations

from collections import Counter

from kfix.engine import topics
from kfix.engine.broker.retention import WHY
from kfix.infra.settings import Retention
from kfix.infra.store.forgetting import FORGOTTEN, KEPT_KEYS
from kfix.infra.store.retention import RULES
from kfix.infra.store.tables import metadata


def test_every_table_has_one_rule_of_retention_with_a_reason() -> None:
    ruled = Counter(rule.table.name for rule in RULES)
    assert ruled == dict.fromkeys(metadata.tables, 1)
    for rule in RULES:
        assert rule.why, rule.table.name
        assert rule.days in Retention.model_fields, rule.table.name


def test_every_table_says_what_forgetting_does_to_it() -> None:
    assert {erased.table.name for erased in FORGOTTEN}.isdisjoint(KEPT_KEYS)
    told = {erased.table.name for erased in FORGOTTEN} | set(KEPT_KEYS)
    assert told == set(metadata.tables)
    assert all(KEPT_KEYS.values())


def test_every_topic_has_a_reason_for_its_retention() -> None:
    assert set(WHY) == set(topics.BY_NAME)
    assert all(WHY.values())
