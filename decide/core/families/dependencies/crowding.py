"""Plans for a server without a free connection: what its callers' pools may hold together, against what it lets in."""

from __future__ import annotations

import math
from dataclasses import dataclass

from decide.core.drafting.containers import scaled_by_itself
from decide.core.drafting.drafts import RESTART, PlanDraft, after
from decide.core.drafting.pools import Amount, most_of, pool_of
from decide.core.drafting.replicas import as_many_as_fit
from decide.core.drafting.revisions import before
from decide.core.families.dependencies.facts import Crowded
from decide.core.findings import Finding
from decide.core.graph import calls
from decide.core.view import ClusterView
from kfix.texts import say
from manifests.objects.shapes import Misshapen, at, mapping, number
from manifests.objects.workloads import Workload, rounded, said

#: What a server lets in where nothing is set, and how many of these are kept for its owner.
_DEFAULTS = {"postgres": (100, 3), "mysql": (151, 1)}
#: A server is asked to let in at most this many times as many: each connection costs it memory.
_GROWTH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """A caller's pool: so many connections in each of so many pods."""

    caller: Workload
    amount: Amount
    pods: int

    @property
    def total(self) -> int:
        """Connections of all its pods."""
        return self.amount.value * self.pods


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Pools against what a server lets in."""

    pools: tuple[_Pool, ...]
    #: Connections for callers, beside the ``kept`` ones.
    room: int
    kept: int
    #: Where the server is told; ``None`` where its default holds.
    declared: Amount | None

    @property
    def held(self) -> int:
        """Connections that all pools may hold."""
        return sum(pool.total for pool in self.pools)


def fewer_connections(finding: Finding[Crowded], view: ClusterView) -> list[PlanDraft]:
    """Pools that fit, fewer pods, or a server that lets in what they hold; nothing where they fit, or nobody tells."""
    server = finding.facts.workload
    count = count_of(view, server, finding.facts.sort) if server is not None else None
    if count is None or count.held <= count.room:
        return []
    pools, held, room = count.pools, count.held, count.room
    largest = max(pools, key=lambda pool: (pool.total, pool.caller.name))
    left = room - (held - largest.total)
    why = say(
        "dependencies.pools.why",
        detail=finding.detail,
        pools=[_told(pool) for pool in pools],
        held=held,
        room=room,
    )
    return [
        *_smaller(view, largest, left, why),
        *_larger(view, count.declared, held + count.kept, why),
        *_fewer(view, largest, left, why),
    ]


def count_of(view: ClusterView, server: Workload, sort: str) -> Count | None:
    """What is known of a server of that sort; ``None`` where nobody says what it lets in, or how large a pool is."""
    declared = most_of(view, server)
    most, kept = _DEFAULTS.get(sort, (0, 0))
    room = (declared.value if declared is not None else most) - kept
    pools = _pools(view, server)
    if room <= 0 or not pools:
        return None
    return Count(pools=tuple(pools), room=room, kept=kept, declared=declared)


def _told(pool: _Pool) -> str:
    return say(
        "dependencies.pools.one", caller=pool.caller.name, size=pool.amount.value, pods=pool.pods
    )


def _pools(view: ClusterView, server: Workload) -> list[_Pool]:
    """Pools of everybody who calls the server, as many as there are pods while a rollout has the most of them."""
    graph = calls(view)
    found = []
    for caller in view.workloads:
        amount = pool_of(view, caller) if server.ref.key in graph.get(caller.ref.key, ()) else None
        if amount is not None:
            found.append(_Pool(caller=caller, amount=amount, pods=_pods(view, caller)))
    return found


def _pods(view: ClusterView, caller: Workload) -> int:
    scalers = [
        number(at(s, "spec", "maxReplicas"))
        for s in view.inside("horizontalpodautoscalers", caller.namespace)
        if at(s, "spec", "scaleTargetRef", "name") == caller.name
    ]
    return max([caller.desired, caller.created, *scalers])


def _smaller(view: ClusterView, pool: _Pool, left: int, why: str) -> list[PlanDraft]:
    """The size that the last good revision had, where that fits; else the largest that fits."""
    size = left // (pool.pods + _surge(pool.caller)) or left // pool.pods
    earlier = _earlier(view, pool)
    told = ""
    if earlier is not None and earlier * pool.pods <= left:
        size, told = earlier, say("dependencies.pools.earlier", size=earlier)
    if size < 1 or size >= pool.amount.value:
        return []
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("dependencies.pools.smaller", name=pool.amount.name, size=size),
            why=after(why, told),
            changes=pool.amount.changed(view, size),
            weight=0.9 if told else 0.86,
            risks=[say("dependencies.pools.waiting"), RESTART],
        )
    ]


def _surge(caller: Workload) -> int:
    """Pods more while a Deployment is rolled out."""
    strategy = mapping(caller.obj, "spec", "strategy")
    if caller.kind != "Deployment" or strategy.get("type") == "Recreate":
        return 0
    most = said(mapping(strategy, "rollingUpdate"), "maxSurge", "25%")
    try:
        return rounded(most, caller.desired, math.ceil)
    except Misshapen:
        return 0


def _earlier(view: ClusterView, pool: _Pool) -> int | None:
    """The pool's size in the last good revision; ``None`` where it was the same, or nobody knows."""
    revision = before(view, pool.caller)
    if revision is None or pool.amount.config is not None:
        return None
    then = {"spec": {"template": {"spec": revision.spec}}}
    metadata = mapping(pool.caller.obj, "metadata")
    found = pool_of(view, Workload(pool.caller.kind, {"metadata": metadata, **then}))
    same = found is None or found.value == pool.amount.value or found.name != pool.amount.name
    return None if found is None or same else found.value


def _larger(view: ClusterView, declared: Amount | None, wanted: int, why: str) -> list[PlanDraft]:
    """A server that lets in what the pools hold, where its own configuration says how many."""
    if declared is None or wanted > declared.value * _GROWTH:
        return []
    most = math.ceil(wanted / 10) * 10
    return [
        PlanDraft(
            fix_kind="set_env",
            title=say("dependencies.pools.larger", name=declared.name, most=most),
            why=why,
            changes=declared.changed(view, most),
            weight=0.76,
            risks=[say("dependencies.pools.memory"), RESTART],
        )
    ]


def _fewer(view: ClusterView, pool: _Pool, left: int, why: str) -> list[PlanDraft]:
    """Fewer pods of the caller, where no autoscaler says how many there are."""
    count = left // pool.amount.value
    if not 1 <= count < pool.caller.desired or scaled_by_itself(view, pool.caller):
        return []
    return [as_many_as_fit(view, pool.caller, count, why=why, weight=0.66)]
