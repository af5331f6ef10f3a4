"""A probe against a program: what the kubelet's prober says when they do not fit. Empty: the probe succeeds.

Source: k8s.io/kubernetes pkg/kubelet/prober and pkg/probe/{http,tcp,grpc}.
"""

from __future__ import annotations

from tools.lab import words
from tools.lab.scene import Obj, Program

_HANDLERS = {"http": "httpGet", "grpc": "grpc", "tcp": "tcpSocket"}


def failing(program: Program, kind: str, probe: Obj, spec: Obj, ip: str) -> str:
    """The prober's words about a probe that fails, ``""`` for one that succeeds."""
    way = next((w for w, key in _HANDLERS.items() if key in probe), "")
    if not way:
        return ""
    handler: Obj = probe[_HANDLERS[way]]
    port = _port(handler.get("port"), spec)
    if port is None:
        return f'errored and resulted in unknown state: port "{handler.get("port")}" not found'
    names = {
        "ip": ip,
        "port": port,
        "path": handler.get("path", "/"),
        "timeout": probe.get("timeoutSeconds", 1),
    }
    guarded = kind == "readiness" or (kind == "liveness" and "startupProbe" in spec)
    if port != program.port or (not guarded and _too_early(program, probe)):
        return {
            "http": words.PROBE_HTTP_REFUSED,
            "grpc": words.PROBE_GRPC_REFUSED,
            "tcp": words.PROBE_TCP_REFUSED,
        }[way].format(**names)
    return _talk(program, way, handler, names)


def _talk(program: Program, way: str, handler: Obj, names: Obj) -> str:
    if way == "tcp":
        return ""
    if way == "grpc":
        return "" if program.speaks == "grpc" else words.PROBE_GRPC_OF_HTTP
    if program.speaks == "grpc":
        return words.PROBE_HTTP_OF_GRPC.format(**names)
    if str(handler.get("scheme", "HTTP")).upper() == "HTTPS":
        return words.PROBE_HTTPS.format(**names)
    if program.speaks == "tcp":
        return 'Get "http://{ip}:{port}{path}": EOF'.format(**names)
    return "" if handler.get("path") == program.health else words.PROBE_STATUS.format(status=404)


def _port(port: object, spec: Obj) -> int | None:
    if isinstance(port, int):
        return port
    return next((p["containerPort"] for p in spec.get("ports", []) if p.get("name") == port), None)


def _too_early(program: Program, probe: Obj) -> bool:
    """The probe has given up before the program listens."""
    patience = probe.get("initialDelaySeconds", 0) + probe.get("periodSeconds", 10) * probe.get(
        "failureThreshold", 3
    )
    return bool(patience <= program.start_s)
