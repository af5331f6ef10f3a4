"""Answers of Prometheus as series of the table's rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kfix.incident.prometheus.labels import neutral
from kfix.incident.prometheus.queries import PromQuestion
from schemas.context import Series


def answered(
    question: PromQuestion,
    labels: Mapping[str, str],
    timestamps: tuple[float, ...],
    values: tuple[float | None, ...],
    tags: Mapping[str, str],
) -> Series:
    """One series of an answer. ``tags``: whom the question is about, by the shared names; an aggregation leaves that out.

    Prometheus has no units; a row's own is that of its metric.
    """
    return Series(
        metric=question.metric.name,
        tags={**tags, **neutral(labels)},
        query=question.promql,
        timestamps=timestamps,
        values=values,
    )
