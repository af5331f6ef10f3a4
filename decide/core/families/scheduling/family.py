"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.drafting.history import rollback
from decide.core.families.parts import Parts, repair
from decide.core.families.scheduling import causes, rules
from decide.core.families.scheduling.facts import Unplaced
from decide.core.families.scheduling.plans import capacity, placing, spreading

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "insufficient_cpu": repair(Unplaced, capacity.capacity),
        "insufficient_memory": repair(Unplaced, capacity.capacity),
        "node_selector_mismatch": repair(Unplaced, placing.selector),
        "node_affinity_mismatch": repair(Unplaced, placing.affinity),
        "pod_affinity_mismatch": repair(Unplaced, spreading.near_pods),
        "insufficient_resource": repair(Unplaced, capacity.beside_leaving(rollback)),
        "too_many_pods": repair(Unplaced, capacity.one_leaves_first),
        "pod_anti_affinity_conflict": repair(
            Unplaced, capacity.beside_leaving(placing.anti_affinity)
        ),
        "taint_not_tolerated": repair(Unplaced, placing.toleration),
        "topology_spread_unsatisfied": repair(Unplaced, spreading.spread),
        "host_port_conflict": repair(Unplaced, capacity.beside_leaving(spreading.ports_of_nodes)),
    },
    silences={"taint_not_tolerated": placing.tolerates_sickness},
    causes=causes.CAUSES,
)
