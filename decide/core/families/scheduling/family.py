"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.scheduling import rules
from decide.core.families.scheduling.plans import capacity, placing, spreading

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "insufficient_cpu": capacity.capacity,
        "insufficient_memory": capacity.capacity,
        "node_selector_mismatch": placing.selector,
        "node_affinity_mismatch": placing.affinity,
        "pod_affinity_mismatch": spreading.near_pods,
        "pod_anti_affinity_conflict": placing.anti_affinity,
        "taint_not_tolerated": placing.toleration,
        "topology_spread_unsatisfied": spreading.spread,
        "host_port_conflict": spreading.ports_of_nodes,
    },
    silences={"taint_not_tolerated": placing.tolerates_sickness},
)
