"""What kubelet, runtimes and programs print, as their sources format it.

kubelet: k8s.io/kubernetes v1.37 pkg/kubelet (images/image_manager.go, kuberuntime, prober/prober.go, kubelet_pods.go),
pkg/probe and pkg/volume. containerd and runc: the errors that their clients return. Resolvers and sockets: Go net,
java.net, Node's libuv names, Python's socket module.
"""

from __future__ import annotations

PULL_UNKNOWN_TAG = 'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve image: {image}: not found'
PULL_MANIFEST = "rpc error: code = Unknown desc = reading manifest {tag} in {repository}: manifest unknown"  # CRI-O
PULL_NO_HOST = (
    'failed to pull and unpack image "{image}": failed to resolve image: failed to do request: '
    'Head "https://{host}/v2/{path}/manifests/{tag}": dial tcp: lookup {host} on {resolver}:53: no such host'
)
PULL_UNAUTHORIZED = (
    'failed to pull and unpack image "{image}": failed to resolve image: failed to authorize: '
    "failed to fetch anonymous token: unexpected status from GET request to https://{host}/token?scope=repository%3A{path}%3Apull&service={host}: 401 Unauthorized"
)
PULL_PLATFORM = (
    'failed to pull and unpack image "{image}": no match for platform in manifest: not found'
)
MISSING_PULL_SECRET = "Unable to retrieve some image pull secrets ({names}); attempting to pull the image may not succeed."
FAILED_MOUNT = 'MountVolume.SetUp failed for volume "{volume}" : {why}'
NO_KEY = "couldn't find key {key} in {kind} {namespace}/{name}"
NO_ITEM = {
    "configmap": "configmap references non-existent config key: {key}",
    "secret": "references non-existent secret key: {key}",
}
RUNS_AS_ROOT = 'container has runAsNonRoot and image will run as root (pod: "{pod}_{namespace}({uid})", container: {container})'
CREATE_FAILED = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: {why}: unknown"
)
NO_EXECUTABLE = 'exec: "{command}": executable file not found in $PATH'
NO_FILE = 'exec: "{command}": stat {command}: no such file or directory'
NOT_PERMITTED = 'exec: "{command}": permission denied'
OOM_AT_START = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: container init was OOM-killed (memory limit too low?): unknown"
)
BACKOFF = "back-off {delay} restarting failed container={container} pod={pod}_{namespace}({uid})"
BACKOFF_EVENT = "Back-off restarting failed container {container} in pod {pod}_{namespace}({uid})"

PROBE_HTTP_REFUSED = (
    'Get "http://{ip}:{port}{path}": dial tcp {ip}:{port}: connect: connection refused'
)
PROBE_TCP_REFUSED = "dial tcp {ip}:{port}: connect: connection refused"
PROBE_GRPC_REFUSED = (
    'timeout: failed to connect service "{ip}:{port}" within {timeout}s: context deadline exceeded'
)
PROBE_STATUS = "HTTP probe failed with statuscode: {status}"
PROBE_HTTPS = 'Get "https://{ip}:{port}{path}": http: server gave HTTP response to HTTPS client'
PROBE_HTTP_OF_GRPC = 'Get "http://{ip}:{port}{path}": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00"'
PROBE_GRPC_OF_HTTP = 'error: health rpc probe failed: rpc error: code = Unavailable desc = connection error: desc = "error reading server preface: http2: frame too large"'

#: A line that a program of that language prints when a name does not resolve.
UNKNOWN_HOST = {
    "go": 'level=error msg="call failed" err="Get \\"http://{host}:{port}/\\": dial tcp: lookup {host} on 10.96.0.10:53: no such host"',
    "java": "java.net.UnknownHostException: {host}: Name or service not known",
    "node": "Error: getaddrinfo ENOTFOUND {host}",
    "python": "urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPConnection object at 0x7f1c2a40>: Failed to resolve '{host}' ([Errno -2] Name or service not known)",
}
REFUSED = {
    "go": 'level=error msg="call failed" err="Get \\"http://{host}:{port}/\\": dial tcp {ip}:{port}: connect: connection refused"',
    "java": "java.net.ConnectException: Connection refused: {host}/{ip}:{port}",
    "node": "Error: connect ECONNREFUSED {ip}:{port}",
    "python": "urllib3.exceptions.MaxRetryError: HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f1c2a40>: Failed to establish a new connection: [Errno 111] Connection refused'))",
}
TIMED_OUT = {
    "go": 'level=error msg="call failed" err="Get \\"http://{host}:{port}/\\": dial tcp {ip}:{port}: i/o timeout"',
    "java": "java.net.SocketTimeoutException: Connect timed out: {host}/{ip}:{port}",
    "node": "Error: connect ETIMEDOUT {ip}:{port}",
    "python": "urllib3.exceptions.MaxRetryError: HTTPConnectionPool(host='{host}', port={port}): Max retries exceeded with url: / (Caused by ConnectTimeoutError(<urllib3.connection.HTTPConnection object at 0x7f1c2a40>, 'Connection to {host} timed out. (connect timeout=3)'))",
}
MISSING_ENV = {
    "go": "fatal: environment variable {key} is not set",
    "java": "Caused by: java.lang.IllegalStateException: environment variable {key} must be set",
    "node": "Error: Missing required environment variable {key}",
    "python": "KeyError: '{key}'",
}
PANIC = {
    "go": (
        "panic: runtime error: invalid memory address or nil pointer dereference",
        "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x6f2a31]",
        "goroutine 1 [running]:",
    ),
    "java": (
        'Exception in thread "main" java.lang.NullPointerException: Cannot invoke "Object.hashCode()" because "key" is null',
    ),
    "node": (
        "TypeError: Cannot read properties of undefined (reading 'length')",
        "    at Object.<anonymous> (/srv/main.js:41:18)",
        "Node.js v22.11.0",
    ),
    "python": (
        "Traceback (most recent call last):",
        '  File "/srv/main.py", line 41, in <module>',
        "AttributeError: 'NoneType' object has no attribute 'items'",
    ),
}
BAD_CONFIG = {
    "go": "fatal: failed to load config: yaml: line {line}: mapping values are not allowed in this context",
    "java": "Caused by: java.lang.IllegalArgumentException: Could not resolve placeholder '{key}' in value \"${{{key}}}\"",
    "node": "Error: Invalid configuration: unknown option '{key}'",
    "python": "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings: {key} Input should be a valid integer, unable to parse string as an integer [type=int_parsing]",
}
PORT_TAKEN = {
    "go": "fatal: listen tcp :{port}: bind: address already in use",
    "java": "Web server failed to start. Port {port} was already in use.",
    "node": "Error: listen EADDRINUSE: address already in use :::{port}",
    "python": "ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', {port}): address already in use",
}
DENIED_FILE = {
    "go": "fatal: open {path}/state.db: permission denied",
    "java": "java.io.FileNotFoundException: {path}/state.db (Permission denied)",
    "node": "Error: EACCES: permission denied, open '{path}/state.db'",
    "python": "PermissionError: [Errno 13] Permission denied: '{path}/state.db'",
}
FORBIDDEN = '{plural} is forbidden: User "system:serviceaccount:{namespace}:{account}" cannot list resource "{plural}" in API group "" in the namespace "{namespace}"'
STARTED = {
    "go": 'level=info msg="listening" addr=":{port}"',
    "java": "Started Application in 3.412 seconds (process running for 3.9)",
    "node": "server listening on port {port}",
    "python": "INFO:     Application startup complete. Listening on 0.0.0.0:{port}",
}
SERVED = {
    "go": 'level=info msg="request" method=GET path=/v1/items status=200 took={ms}ms',
    "java": "INFO  o.s.w.s.DispatcherServlet - Completed 200 OK in {ms} ms",
    "node": "GET /v1/items 200 {ms} ms",
    "python": 'INFO:     10.244.1.17 - "GET /v1/items HTTP/1.1" 200 OK {ms}ms',
}
