"""The two servers beside the cluster that Kubernetes' own programs call: an admission webhook that refuses, and metrics.

Both speak TLS on loopback with a certificate of the cluster's authority.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tools.lab.scene import Obj
from tools.realparts.kubernetes import ControlPlane

#: Metrics of a namespace's pods, as the resource metrics API serves them.
Metrics = Callable[[str], list[Obj]]


@contextmanager
def serving(plane: ControlPlane, metrics: Metrics) -> Iterator[int]:
    """Serves both; yields the port."""
    crt, key = plane.authority.issue("localhost-webhooks")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(metrics))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def authority(plane: ControlPlane) -> str:
    """The authority's certificate, as configurations hold it."""
    return base64.b64encode(plane.authority.file.read_bytes()).decode()


def _handler(metrics: Metrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            why = urlsplit(self.path).path.rpartition("/")[2].replace("-", " ")
            answer = {
                "uid": review["request"]["uid"],
                "allowed": False,
                "status": {"code": 403, "message": why},
            }
            self._send(
                {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
            )

        def do_GET(self) -> None:
            parts = urlsplit(self.path).path.strip("/").split("/")
            if parts[:2] == ["apis", "metrics.k8s.io"] and "namespaces" in parts:
                space = parts[parts.index("namespaces") + 1]
                self._send(
                    {
                        "kind": "PodMetricsList",
                        "apiVersion": "metrics.k8s.io/v1beta1",
                        "metadata": {},
                        "items": metrics(space),
                    }
                )
                return
            resources = [
                {
                    "name": "pods",
                    "singularName": "",
                    "namespaced": True,
                    "kind": "PodMetrics",
                    "verbs": ["get", "list"],
                }
            ]
            self._send(
                {
                    "kind": "APIResourceList",
                    "apiVersion": "v1",
                    "groupVersion": "metrics.k8s.io/v1beta1",
                    "resources": resources,
                }
            )

        def _send(self, body: Obj) -> None:
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler
