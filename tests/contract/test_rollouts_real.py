"""A few rollouts of the measured table, played again on a real control plane."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rollouts import computed, ended, rows
from tools.lab.rollouts.cases import read
from tools.lab.rollouts.measuring import play
from tools.realparts.programs import Unbuildable


@pytest.mark.kube
def test_rollouts_end_again_as_the_table_has_them(tmp_path: Path) -> None:
    sample = [row for row in rows() if row.get("hard") or row.get("bad")][::40][:8]
    try:
        found = play([read(row) for row in sample], tmp_path)
    except Unbuildable as why:
        pytest.skip(str(why))
    for row, again in zip(sample, found, strict=True):
        wanted = row["steps"][-1]["replicas"]
        assert computed(again).complete == computed(row).complete, row
        assert (ended(again) == (wanted, wanted, 0)) == computed(again).complete, again
