"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts, repair
from decide.core.families.services import causes, plans
from decide.core.families.services.facts import (
    AbsentService,
    DnsSettings,
    OtherPort,
    OtherProtocol,
    SelectsNothing,
    WrongAddress,
)
from decide.core.families.services.rules import addresses, backends, commands, dns

PARTS = Parts(
    rules=(backends.find, addresses.find, commands.find, dns.find),
    builders={
        "service_selector_mismatch": repair(SelectsNothing, plans.selector),
        "service_port_mismatch": repair(OtherPort, plans.port),
        "service_protocol_mismatch": repair(OtherProtocol, plans.protocol),
        "service_missing": repair(AbsentService, plans.service),
        "env_address_mismatch": repair(WrongAddress, plans.address),
        "dns_config_broken": repair(DnsSettings, plans.dns),
    },
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
