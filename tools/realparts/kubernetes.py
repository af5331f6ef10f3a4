"""A real Kubernetes control plane for tests: etcd, kube-apiserver and, where asked for, controllers and scheduler.

Built once from their Go modules (``tools/realparts/kube/build``), started on free loopback ports with certificates of their
own, and tied to this process: they die when it does. There is no kubelet, so a pod's status is patched by hand.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kfix.engine.broker.embedded import die_with_parent, free_port
from tools.realparts.programs import built

BUILD = Path(__file__).parent / "kube" / "build"
_READY_WITHIN_S = 60.0
CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "garbage-collector-controller",
    "endpointslice-controller",
    "disruption-controller",
)


def binaries(*names: str) -> Path:
    """The folder with the servers, built where needed. Raises Unbuildable."""
    return built("kube-apiserver and etcd", BUILD, *names)


class Authority:
    """A certificate authority of one test run and the files it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kfix test authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(constraints, critical=True)
            .add_extension(_key_usage(sign=True), critical=True)
            .add_extension(self._subject_id(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.crt"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _subject_id(key: Any) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(key)

    def _builder(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
        )

    def issue(self, user: str, *groups: str) -> tuple[Path, Path]:
        """Certificate and key files for a user (CN) in groups (O); also valid for 127.0.0.1 as a server."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(_key_usage(sign=False), critical=True)
            .add_extension(issuer, critical=False)
            .add_extension(self._subject_id(key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = user.replace(":", "-").replace("/", "-")
        crt, pem = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(_pem(key))
        return crt, pem


def _key_usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not sign,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: Any) -> bytes:
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@dataclass(slots=True)
class ControlPlane:
    """A running cluster. ``admin`` is in ``system:masters``."""

    url: str
    authority: Authority
    admin: tuple[Path, Path]

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """One request as the administrator: status code and parsed body (text where it is no JSON)."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.load_cert_chain(*self.admin)
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": content_type, "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _parsed(refused.read())


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except json.JSONDecodeError:
        return raw.decode(errors="replace")


@contextmanager
def _process(log: Path, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - prctl alone, no locks taken
            env=_environment(),
        )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _environment() -> dict[str, str]:
    # Go's scheduler would otherwise take every core from the tests beside it.
    return {**os.environ, "GOMAXPROCS": "2"}


def _wait(child: subprocess.Popen[bytes], log: Path, ready: Any) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until:
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended: {log.read_text()[-2000:]}")
        if ready():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{child.args!r} is not ready: {log.read_text()[-2000:]}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _etcd(stack: ExitStack, bin_folder: Path, folder: Path) -> str:
    client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    log = folder / "etcd.log"
    child = stack.enter_context(
        _process(
            log,
            bin_folder / "etcd",
            "--name=t",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=t={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
    )
    _wait(child, log, lambda: _answers(f"{client}/health"))
    return client


def _service_account_keys(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "sa.key", folder / "sa.pub"
    private.write_bytes(_pem(key))
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def _api_server(
    stack: ExitStack,
    bin_folder: Path,
    folder: Path,
    etcd: str,
    extra: Sequence[str],
    *,
    service_accounts: bool,
) -> ControlPlane:
    authority = Authority(folder)
    crt, key = authority.issue("kube-apiserver")
    private, public = _service_account_keys(folder)
    port = free_port()
    plane = ControlPlane(
        f"https://127.0.0.1:{port}", authority, authority.issue("admin", "system:masters")
    )
    log = folder / "kube-apiserver.log"
    child = stack.enter_context(
        _process(
            log,
            bin_folder / "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={crt}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={authority.file}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            "--service-account-issuer=https://kfix.invalid",
            "--api-audiences=https://kfix.invalid",
            "--service-cluster-ip-range=10.0.0.0/24",
            *([] if service_accounts else ["--disable-admission-plugins=ServiceAccount"]),
            "--profiling=false",
            *extra,
        )
    )

    def ready() -> bool:
        try:
            return plane.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    _wait(child, log, ready)
    return plane


def kubeconfig(plane: ControlPlane, folder: Path, user: str, *groups: str) -> Path:
    """A kubeconfig file (JSON is YAML) for a client certificate of ``user``."""
    crt, key = plane.authority.issue(user, *groups)
    cluster = {"server": plane.url, "certificate-authority": str(plane.authority.file)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "t",
        "clusters": [{"name": "t", "cluster": cluster}],
        "users": [{"name": "t", "user": {"client-certificate": str(crt), "client-key": str(key)}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
    }
    path = folder / f"{user.replace(':', '-')}.kubeconfig"
    path.write_text(json.dumps(content))
    return path


def _controllers(
    stack: ExitStack, bin_folder: Path, folder: Path, plane: ControlPlane, flags: Sequence[str]
) -> None:
    config = kubeconfig(plane, folder, "system:kube-controller-manager")
    log = folder / "kube-controller-manager.log"
    child = stack.enter_context(
        _process(
            log,
            bin_folder / "kube-controller-manager",
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={folder / 'sa.key'}",
            f"--root-ca-file={plane.authority.file}",
            f"--controllers={','.join(CONTROLLERS)}",
            *flags,
        )
    )
    time.sleep(0.2)
    if child.poll() is not None:
        raise RuntimeError(f"controllers ended: {log.read_text()[-2000:]}")


def _scheduler(
    stack: ExitStack, bin_folder: Path, folder: Path, plane: ControlPlane, flags: Sequence[str]
) -> None:
    config = kubeconfig(plane, folder, "system:kube-scheduler")
    log = folder / "kube-scheduler.log"
    child = stack.enter_context(
        _process(
            log,
            bin_folder / "kube-scheduler",
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            *flags,
        )
    )
    time.sleep(0.2)
    if child.poll() is not None:
        raise RuntimeError(f"scheduler ended: {log.read_text()[-2000:]}")


@contextmanager
def control_plane(
    folder: Path,
    *,
    controllers: bool = False,
    scheduler: bool = False,
    service_accounts: bool = False,
    extra: Sequence[str] = (),
    controller_flags: Sequence[str] = (),
    scheduler_flags: Sequence[str] = (),
) -> Iterator[ControlPlane]:
    """Starts a cluster under ``folder`` and stops it. Raises Unbuildable.

    ``extra`` are flags for kube-apiserver, the two others for their program; a later flag beats ours.
    ``service_accounts`` turns that admission plugin on: pods then need their account.
    """
    names = ["etcd", "kube-apiserver"]
    names += ["kube-controller-manager"] if controllers else []
    names += ["kube-scheduler"] if scheduler else []
    bin_folder = binaries(*names)
    with ExitStack() as stack:
        etcd = _etcd(stack, bin_folder, folder)
        plane = _api_server(
            stack, bin_folder, folder, etcd, extra, service_accounts=service_accounts
        )
        if controllers:
            _controllers(stack, bin_folder, folder, plane, controller_flags)
        if scheduler:
            _scheduler(stack, bin_folder, folder, plane, scheduler_flags)
        yield plane
