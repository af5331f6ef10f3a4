"""A fix that is merged and does not hold: taken back by a merge request, told, and followed by a better plan that holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.core.story import tell
from kfix.engine import topics
from sandbox.control import merge_as_reviewer
from sandbox.scenario import scenarios
from schemas.context import ContextBundle
from schemas.identity import attempt_of
from tests.pipeline.harness import Cluster
from tests.pipeline.river import River, company

#: More than the first step of a limit gives, and less than the second one does.
GROWTH = 1.7


@pytest.mark.slow
async def test_a_fix_that_does_not_hold_is_taken_back_and_the_next_plan_holds(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with company() as sandbox:
        river = River(cluster, sandbox, tmp_path)
        with river.worker():
            await sandbox.world.break_(scenarios()["oom"], growth=GROWTH)
            await river.until(lambda: len(river.branches()) == 1, within_s=60, what="the fix")
            (first,) = sandbox.project.merge_requests
            incident = first.source_branch.removeprefix("kfix/incident-")
            await river.until_records(topics.MR_EVENTS, lambda told: len(told) >= 1, within_s=30)
            assert (await merge_as_reviewer(sandbox, first.iid)).get("state") == "merged"
            failed = await river.until_records(topics.OUTCOMES, bool, within_s=90)
            assert (failed[0].result, failed[0].incident_id) == ("failure", incident)
            # Killed as soon as the failure is told: what follows from it is done by who comes next, once.
        with river.worker():
            await river.until(
                lambda: len(river.branches()) >= 3,
                within_s=90,
                what="the way back and the next plan",
            )
            by_branch = {mr.source_branch: mr for mr in sandbox.project.merge_requests}
            back = by_branch[f"kfix/incident-{incident}-revert"]
            better = by_branch[f"kfix/incident-{incident}-try2"]
            told = await river.until_records(
                topics.MR_EVENTS,
                lambda told: (
                    {"revert_opened", f"{incident}-try2"}
                    <= {e.action for e in told} | {e.incident_id for e in told if e.proposal}
                ),
                within_s=30,
            )
            (opened,) = {e.merge_request.iid for e in told if e.action == "revert_opened"}
            assert opened == back.iid
            repository = sandbox.project.repository
            assert {back.state, better.state} == {"opened"}
            assert "did not hold" in better.description
            assert f"`!{back.iid}`" in better.description + "".join(n.body for n in better.notes)
            changed = repository.diff(
                repository.resolve("main"), repository.resolve(back.source_branch)
            )
            assert "256Mi" in changed
            assert (await merge_as_reviewer(sandbox, better.iid)).get("state") == "merged"
            await river.until_records(
                topics.OUTCOMES,
                lambda told: any(o.incident_id == f"{incident}-try2" for o in told),
                within_s=90,
            )
        outcomes = {o.incident_id: o.result for o in await river.outcomes()}
        assert outcomes == {incident: "failure", f"{incident}-try2": "success"}
        assert len(river.branches()) == 3
        bundles: list[ContextBundle] = await river.records(topics.CONTEXT_BUNDLE)
        (again,) = {b.event_id: b for b in bundles if b.retry_of}.values()
        assert again.retry_of == incident
        assert {attempt_of(e.incident_id).incident_id for e in told} == {incident}
        heads = [str(m.blocks[0]) for m in sandbox.slack.messages]
        assert sum("a merged fix did not hold" in head for head in heads) == 1
        assert sum("fix proposed" in head for head in heads) == 2
        told = tell(incident, [r for topic in topics.ALL for r in await river.records(topic)])
        assert told.state == "held"
        first_life, second_life = told.attempts
        assert first_life.life.life.state == "failed"
        assert first_life.life.revert is not None
        assert first_life.life.revert.state == "superseded", "the better plan was merged instead"
        assert [step.state for step in second_life.life.life.steps][-4:] == [
            "merged",
            "deployed",
            "watching",
            "held",
        ]
        assert second_life.records.merge_request is not None
        assert second_life.records.merge_request.iid == better.iid
