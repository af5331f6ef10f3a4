"""An address in a variable's value, and the same value with another address in its place."""

from __future__ import annotations

import re

from decide.core.graph import Address

#: What goes on after a host: its own name, a scheme's mark, or the password and the mark of credentials.
_OTHERWISE = r"(?![\w.-]|://|(?::[^@/\s,;]*)?@)"


def moved(address: Address, host: str, port: int | None) -> str:
    """The address's value with this host and port; a port only where it has one. Schemes, credentials and paths stay."""
    said = "" if address.port is None else rf":{address.port}(?!\d)"
    place = re.compile(rf"(?<![\w.-]){re.escape(address.host)}{_OTHERWISE}{said}")
    wanted = host if address.port is None else f"{host}:{port}"
    return place.sub(lambda _: wanted, address.value, count=1)
