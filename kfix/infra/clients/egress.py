"""Where K-Fix may connect to: the configured base URLs and nowhere else. Pure.

Two gates. ``Egress.check_url`` looks at every request before it leaves: scheme, host, port and path prefix have to be
those of a configured base URL. ``Egress.check_address`` looks at what a name resolved to, right before connecting, and
the connection goes to that very address: a name cannot be re-bound in between. A configured name may resolve to a
private network (companies run their own GitLab); the loopback is reachable only under a loopback name or address; and
link-local (the clouds' metadata services live there), multicast and unspecified addresses only when the base URL is
that literal address. A base URL that nobody configured (``private=False``) may resolve to public addresses alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from schemas import errors

_PORTS = {"http": 80, "https": 443}
#: What parsers of URLs disagree about: refused before anything else looks at it.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")
#: Hosts that the old ``inet_aton`` reads as addresses: 0x7f000001, 2130706433, 0177.0.0.1, 127.1.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}\.?")


def refused(what: str) -> errors.Rejected:
    """A request or connection that must not happen."""
    return errors.Rejected(f"egress refused: {what}", reason="egress_refused")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A configured base URL, taken apart. ``path`` ends with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> BaseUrl:
        """Raises ValueError for what is no plain http(s) base URL (credentials, query, odd characters, odd hosts)."""
        parts = _split(url)
        if parts.query or parts.fragment:
            raise ValueError("a base URL has no query and no fragment")
        path = parts.path if parts.path.endswith("/") else parts.path + "/"
        return cls(parts.scheme, _host(parts), parts.port or _PORTS[parts.scheme], path)

    def covers(self, scheme: str, host: str, port: int, path: str) -> bool:
        """Is an address under this base?"""
        same = (self.scheme, self.host, self.port) == (scheme, host, port)
        return same and (path + "/").startswith(self.path)


@dataclass(frozen=True, slots=True)
class Egress:
    """The allowlist: base URLs, as parsed. ``private``: they may lead into private networks."""

    bases: tuple[BaseUrl, ...]
    private: bool = True

    @classmethod
    def to(cls, urls: Iterable[str], *, private: bool = True) -> Egress:
        """Raises ValueError for a bad base URL."""
        return cls(tuple(BaseUrl.parse(url) for url in urls), private)

    def check_url(self, url: str) -> None:
        """Raises ``errors.Rejected`` (``egress_refused``) unless ``url`` is under a base."""
        try:
            parts = _split(url)
        except ValueError as error:
            raise refused(str(error)) from error
        host, port = _host(parts), parts.port or _PORTS[parts.scheme]
        path = parts.path or "/"
        if _climbs(path):
            raise refused("the path climbs")
        if not any(base.covers(parts.scheme, host, port, path) for base in self.bases):
            raise refused(
                f"{parts.scheme}://{host}:{port} is no configured address, or another path"
            )

    def check_host(self, host: str, port: int) -> None:
        """Raises ``errors.Rejected`` unless some base has this host and port."""
        if not any((base.host, base.port) == (host.lower(), port) for base in self.bases):
            raise refused(f"{host}:{port} is no configured host")

    def check_address(self, host: str, address: str) -> None:
        """Raises ``errors.Rejected`` when ``host`` must not be at ``address``."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip.sixtofour or ip
        if not self.private and (not ip.is_global or ip.is_multicast):
            raise refused(f"{host} is at {ip}, no public address, and nobody configured it")
        name = host.strip("[]").lower().rstrip(".")
        if name == str(ip) or name == address:
            return
        if ip.is_loopback and (name == "localhost" or name.endswith(".localhost")):
            return
        if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
            raise refused(f"{host} resolves to {ip}")


def _split(url: str) -> SplitResult:
    if _AMBIGUOUS.search(url):
        raise ValueError("control, space, backslash or non-ASCII in an address")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("only http and https are spoken")
    if "@" in parts.netloc:
        raise ValueError("an address carries no credentials")
    host = _host(parts)
    if not _HOST.fullmatch(host):
        raise ValueError("no plain host name")
    if _NUMERIC.fullmatch(host) and not _dotted(host):
        raise ValueError("a number in place of an address")
    if parts.port == 0:
        raise ValueError("port 0")
    return parts


def _dotted(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    return f"[{host}]" if ":" in host else host


def _climbs(path: str) -> bool:
    for _ in range(3):  # %252e%252e is .. after two decodings, and a proxy may do one
        if "\\" in path or any(part.partition(";")[0] in (".", "..") for part in path.split("/")):
            return True
        path = unquote(path)
    return False
