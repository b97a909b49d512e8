from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from rubricator.errors import ConfigError
from rubricator.serve import create_app
from rubricator.serve.security.tls import check_certificate

pytest.importorskip("cryptography")


def write_certificate(path, *, begins=-1.0, ends=30.0):
    """A certificate for 127.0.0.1 with its key in one file; times are days from now."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.parametrize(
    ("times", "said"),
    [({"ends": -0.5, "begins": -9}, "expired on"), ({"begins": 1}, "not valid before")],
)
def test_a_certificate_that_no_client_would_accept_is_told_of(tmp_path, times, said):
    with pytest.raises(ConfigError, match=said):
        check_certificate(write_certificate(tmp_path / "a.pem", **times))


def test_what_is_no_certificate_is_told_of(tmp_path):
    (tmp_path / "a.pem").write_text("certificate", encoding="utf-8")
    for path in (tmp_path / "a.pem", tmp_path / "none.pem", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            check_certificate(path)


def test_one_that_ends_soon_is_warned_of(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        check_certificate(write_certificate(tmp_path / "a.pem", ends=30))
        assert not caplog.records
        check_certificate(write_certificate(tmp_path / "b.pem", ends=3))
    assert "expires on" in caplog.text


def test_the_service_speaks_tls(tmp_path, predictor, run_app):
    path = write_certificate(tmp_path / "a.pem")
    with run_app(create_app(predictor), ssl_certfile=path) as address:
        trusting = ssl.create_default_context(cafile=path)
        address = address.replace("http:", "https:")
        answer = httpx.post(f"{address}/v1/classify", json={"text": "Роман"}, verify=trusting)
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
