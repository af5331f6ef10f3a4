"""A fix that the world shows to be useless is proposed at most twice for the same spec, over restarts and in every order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from decide.adapters.trials import SqlTrialBook
from decide.core.experience.trials import ExperienceAsked, ended_trial
from decide.core.experience.vetoes import veto
from decide.ports import Proposed
from kfix.infra.store import metadata
from kfix.infra.store.decide_tables import fix_lifts, fix_trials
from kfix.infra.store.engine import open_engine
from schemas.outcomes import Outcome
from schemas.plans import ActionPlan
from tests.support.decide.tried import NOW, WEB, judged, outcome, plan

#: The useless one with values of its own each time, and one that is never merged.
OTHER = plan("set_cpu")
ASKED = ExperienceAsked("oom_limit_too_low", "prod", (WEB.key,))

steps = st.lists(
    st.one_of(
        st.tuples(st.just("alert"), st.integers(1, 7)),
        st.tuples(st.just("outcome"), st.integers(1, 7)),
        st.tuples(st.just("feedback"), st.integers(1, 7)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=30,
)


class World:
    """Alerts about one spec, for which one kind of fix never holds."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'store.db'}"
        self.engine: Engine | None = None
        self.proposed: dict[str, ActionPlan] = {}
        self.restart()

    def restart(self) -> None:
        """Another process on the same store."""
        if self.engine is not None:
            self.engine.dispose()
        self.engine = open_engine(self.url)
        metadata.create_all(self.engine, tables=[fix_trials, fix_lifts])
        self.book = SqlTrialBook(self.engine, timedelta(days=7))

    async def alert(self, n: int, at: int) -> None:
        """An incident (or the next attempt at one) whose plan is the useless one, whatever its value."""
        incident = f"inc-{n}" if n < 5 else f"inc-1-try{n - 3}"
        useless = plan(after=f"{384 + n}Mi", name=f"plan-{n}")
        known = await self.book.experience(ASKED)
        plans = [one for one in (useless, OTHER) if not veto(one, "prod", known)]
        offered = [
            Proposed(incident, one, ASKED.failure_class, "prod", "production", 0.8) for one in plans
        ]
        refused = await self.book.admit(offered, at=NOW + timedelta(minutes=at))
        if useless in plans and useless.plan_id not in refused:
            self.proposed[incident] = useless

    async def tell(self, n: int, at: int, *, good: bool) -> None:
        """What became of the nth incident that had the plan: it was merged and did not hold, whatever people say."""
        if not self.proposed:
            return
        incident = sorted(self.proposed)[n % len(self.proposed)]
        words = (judged("good"),) if good else ()
        said = outcome(
            incident,
            self.proposed[incident],
            at=NOW + timedelta(minutes=at),
            checked_at=NOW,
            feedback=words,
        )
        await self.hear(said)

    async def hear(self, said: Outcome) -> None:
        """As decide's agent does."""
        trial = ended_trial(said)
        assert trial is not None
        await self.book.ended(trial)


async def lived(world: World, found: list[tuple[str, int]]) -> None:
    for at, (what, n) in enumerate(found):
        if what == "restart":
            world.restart()
        elif what == "alert":
            await world.alert(n, at)
        else:
            await world.tell(n, at, good=what == "feedback")


@settings(max_examples=25, deadline=None)
@given(steps)
def test_a_useless_fix_is_proposed_at_most_twice_for_the_same_spec(
    found: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        asyncio.run(lived(world, found))
        assert len(world.proposed) <= 2
        asyncio.run(
            lived(world, [("outcome", 0), ("outcome", 1), *[("alert", n) for n in (5, 6, 7)]])
        )
        assert len(world.proposed) <= 2
        if world.engine is not None:
            world.engine.dispose()


def test_it_is_proposed_twice_where_the_world_has_not_shown_it_yet(tmp_path: Path) -> None:
    world = World(tmp_path)
    asyncio.run(lived(world, [("alert", 1), ("alert", 2), ("alert", 3), ("outcome", 0)]))
    assert sorted(world.proposed) == ["inc-1", "inc-2"]
