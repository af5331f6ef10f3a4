"""Kubernetes quantities (`resource.Quantity`): ``500m``, ``1Gi``, ``1e3``. Exact, with Decimal.

Source: apimachinery ``pkg/api/resource/quantity.go``.
"""

from __future__ import annotations

import re
from decimal import Decimal

from kfix.texts import say

_SUFFIX: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|Ki|Mi|Gi|Ti|Pi|Ei|M|G|T|P|E)?)"
)


class BadQuantity(ValueError):
    """Text that is no quantity."""


def parse(value: str | int | float | Decimal) -> Decimal:
    """The exact number: cores for cpu, bytes for memory. Raises BadQuantity."""
    if isinstance(value, bool):
        raise BadQuantity(say("manifests.no_quantity", value=repr(value)))
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    match = _QUANTITY.fullmatch(value.strip())
    if match is None:
        raise BadQuantity(say("manifests.no_quantity", value=repr(value)))
    number, exponent, suffix = match.groups()
    return Decimal(number + exponent) if exponent else Decimal(number) * _SUFFIX[suffix or ""]


def format_cpu(cores: Decimal | float) -> str:
    """Cores as Kubernetes writes them: ``750m``, ``2``. Rounded up to a whole millicore."""
    milli = int((Decimal(str(cores)) * 1000).to_integral_value(rounding="ROUND_CEILING"))
    return f"{milli // 1000}" if milli % 1000 == 0 else f"{milli}m"


def format_memory(size: Decimal | float | int) -> str:
    """Bytes as ``Gi`` where whole, else ``Mi`` rounded up."""
    mib = int((Decimal(str(size)) / 2**20).to_integral_value(rounding="ROUND_CEILING"))
    return f"{mib // 1024}Gi" if mib and mib % 1024 == 0 else f"{mib}Mi"
