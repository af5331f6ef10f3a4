"""How a registry is told who asks: by its challenge, at its own token service and at no other.

Source: https://distribution.github.io/distribution/spec/auth/token; RFC 9110, 11.6 (challenges).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kfix.infra.clients.egress import BaseUrl, Egress, refused
from kfix.infra.clients.http import Bounds, open_http
from schemas import errors

_PAIR = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', re.I)
#: Token services that stand beside their registries, by the registry's name in images.
KNOWN = {
    "docker.io": "https://auth.docker.io",
    "registry.gitlab.com": "https://gitlab.com",
}
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may hand out tokens for a registry. ``bases``: the registry's own address, and a named one."""

    bases: tuple[str, ...]
    bounds: Bounds
    #: As ``kfix.infra.clients.egress``.
    private: bool
    #: The header ``Authorization`` that stands for the credential; empty: anonymous.
    basic: str = ""

    async def authorization(self, challenge: str, scope: str) -> str:
        """The header for another try; empty where the challenge asks for what we have not got.

        The scope is ours, never the challenge's: reading one repository. Raises from ``schemas.errors``.
        """
        scheme, _, rest = challenge.strip().partition(" ")
        told = {key.lower(): value for key, value in _PAIR.findall(rest)}
        if scheme.lower() == "basic":
            return self.basic
        if scheme.lower() != "bearer" or not told.get("realm"):
            return ""
        return f"Bearer {await self._token(told, scope)}"

    async def _token(self, told: Mapping[str, str], scope: str) -> str:
        realm = told["realm"].partition("?")[0]
        Egress.to(self.bases).check_url(realm)
        if not any(_same_place(realm, base) for base in self.bases):
            raise refused("a token service that nobody named")
        headers = {"authorization": self.basic} if self.basic else {}
        asked = {"scope": scope, "service": told.get("service", "")[:_LONGEST]}
        async with open_http(realm, bounds=self.bounds, private=self.private) as http:
            reply = await http.request("GET", params=asked, headers=headers)
        answer = reply.json()
        found = (
            answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else ""
        )
        if not isinstance(found, str) or not re.fullmatch(r"[!-~]{1,8192}", found):
            raise errors.Unavailable("the token service gave no token", reason="malformed")
        return found


def _same_place(url: str, base: str) -> bool:
    one, two = BaseUrl.parse(url), BaseUrl.parse(base)
    return (one.scheme, one.host, one.port) == (two.scheme, two.host, two.port)
