"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.facts import Facts
from decide.core.families.parts import Parts, repair
from decide.core.families.startup import causes, mounted, rules
from decide.core.families.startup.facts import (
    AbsentReference,
    UnrunnableCommand,
    UnusableImage,
)
from decide.core.families.startup.plans import commands, images, references, volumes

PARTS = Parts(
    rules=(rules.find, mounted.find),
    builders={
        "volume_multi_attach": repair(Facts, volumes.one_at_a_time),
        "image_not_found": repair(UnusableImage, images.image),
        "image_registry_unreachable": repair(UnusableImage, images.image),
        "image_pull_secret_missing": repair(UnusableImage, images.pull_secret),
        "image_platform_mismatch": repair(UnusableImage, images.image),
        "bad_command": repair(UnrunnableCommand, commands.runnable),
        "config_reference_missing": repair(AbsentReference, references.reference),
    },
    causes=causes.CAUSES,
    declared=(causes.declared,),
)
