"""Which rules and plans belong to the family."""

from __future__ import annotations

from decide.core.families.parts import Parts
from decide.core.families.startup import rules
from decide.core.families.startup.plans import images, references, volumes

PARTS = Parts(
    rules=(rules.find,),
    builders={
        "volume_multi_attach": volumes.one_at_a_time,
        "image_not_found": images.image,
        "image_registry_unreachable": images.image,
        "image_pull_secret_missing": images.pull_secret,
        "image_platform_mismatch": images.image,
        "config_reference_missing": references.reference,
    },
)
