"""The TLS that deploy/compose.tls.yml adds to the shipped nginx."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.running_system import Stack, free_port
from tests.shipped_nginx import ROOT, shipped_nginx


class _Loader(yaml.SafeLoader):
    """Reads Compose's own tags, too."""


def _sequence(loader: _Loader, node: yaml.Node) -> list[Any]:
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node)


_Loader.add_constructor("!override", _sequence)
NGINX: dict[str, Any] = yaml.load((ROOT / "deploy" / "compose.tls.yml").read_text(), _Loader)["services"]["nginx"]  # noqa: S506 - it is a SafeLoader


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a key and a certificate of its own, for 127.0.0.1."""
    directory, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory


def test_api_is_served_over_tls(stack: Stack, certificate: Path, tmp_path: Path) -> None:
    plain, secure = free_port(), free_port()
    plain_port, _, more = NGINX["environment"]["NGINX_PORT"].partition(";")
    assert plain_port == "8080", "the health check of compose.production.yml asks there"
    assert NGINX["ports"] == ["${HTTPS_PORT:-443}:8443"], "nothing but TLS is published"
    more = more.replace("8443 ssl", f"127.0.0.1:{secure} ssl").replace("/tls/", f"{certificate}/")
    trusted = ssl.create_default_context(cafile=str(certificate / "fullchain.pem"))
    old = ssl.create_default_context(cafile=str(certificate / "fullchain.pem"))
    weak = ssl.create_default_context(cafile=str(certificate / "fullchain.pem"))
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:@SECLEVEL=1")
    with stack.another_api() as url:
        ports = [stack.settings.port, int(url.rpartition(":")[2])]
        with shipped_nginx(tmp_path, plain, ports, f";{more}"):
            assert httpx.get(f"https://127.0.0.1:{secure}/ready", verify=trusted, timeout=20).json() == {"status": "ready"}
            unencrypted = httpx.get(f"http://127.0.0.1:{plain}/health", timeout=20)
            assert unencrypted.is_success
            assert "strict-transport-security" not in unencrypted.headers
            # The API's own, nginx's own, and one that nginx keeps: each once, whoever sets it.
            for path in ("/api/me", "/", "/metrics", "/api/events", "/api/events"):
                headers = httpx.get(f"https://127.0.0.1:{secure}{path}", verify=trusted, timeout=20).headers
                assert headers.get_list("strict-transport-security") == ["max-age=31536000; includeSubDomains"], path
                assert headers.get_list("x-content-type-options") == ["nosniff"], path
                assert len(headers.get_list("content-security-policy")) == 1, path
            with pytest.deprecated_call():
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"https://127.0.0.1:{secure}/ready", verify=old, timeout=20)
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"https://127.0.0.1:{secure}/ready", verify=weak, timeout=20)
