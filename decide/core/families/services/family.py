"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.services import plans, rules

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "service_selector_mismatch": plans.selector,
        "service_port_mismatch": plans.port,
        "service_protocol_mismatch": plans.protocol,
        "service_missing": plans.service,
        "env_address_mismatch": plans.address,
        "dns_config_broken": plans.dns,
    },
)
