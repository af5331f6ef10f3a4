"""A merged change that is not live yet is neither a fix that fared nor a trial that ended; people read that it is late."""

from __future__ import annotations

from decide.core.experience.trials import ended_trial
from kfix.infra.forges.gitlab.dialect import DIALECT
from publish.core import notes
from publish.core.history import fix_of
from tests.support.learn import after, outcome


def test_what_is_late_counts_nowhere_and_is_said_to_be_late() -> None:
    late = outcome(result="partial", merged_at=after(1), checked_at=None)
    assert late.is_late
    assert fix_of(late) is None
    assert ended_trial(late) is None
    assert "not seen live in the cluster yet" in notes.ended(late, DIALECT, "en")
    assert "pas encore vu en service" in notes.ended(late, DIALECT, "fr")


def test_what_was_measured_or_never_merged_counts() -> None:
    measured = outcome(result="partial", merged_at=after(1))
    refused = outcome(result="rejected", checked_at=None)
    for one in (measured, refused):
        assert not one.is_late
        assert fix_of(one) is not None
        assert ended_trial(one) is not None
    assert "no clear result" in notes.ended(measured, DIALECT, "en")
