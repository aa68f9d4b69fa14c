"""How a service comes to Kafka is said once, by settings; what does not go together is named before anything starts."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from shared.bus.kafka import Cluster
from shared.settings import NotTold, Settings

SIGNED_IN = {
    "THROUGHLINE_KAFKA_SERVERS": "kafka:9092",
    "THROUGHLINE_KAFKA_SECURITY": "SASL_SSL",
    "THROUGHLINE_KAFKA_USER": "intake",
    "THROUGHLINE_KAFKA_PASSWORD": "lantern",
}


def told(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Cluster:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Cluster.told(Settings())


def an_authority(path: Path) -> Path:
    """A certificate in a file."""
    key, name = Ed25519PrivateKey.generate(), x509.Name.from_rfc4514_string("CN=lamps")
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


def test_told_nothing_it_is_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = told(monkeypatch, {"THROUGHLINE_KAFKA_SERVERS": "a:1,b:2"})
    assert cluster.client == {"bootstrap_servers": "a:1,b:2"}


def test_every_client_signs_in_by_tls_under_the_given_authority(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = an_authority(tmp_path / "ca.pem")
    cluster = told(monkeypatch, SIGNED_IN | {"THROUGHLINE_KAFKA_CA": str(authority)})
    context = cluster.client["ssl_context"]
    assert [one["subject"] for one in context.get_ca_certs()] == [((("commonName", "lamps"),),)]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert {key: value for key, value in cluster.client.items() if key != "ssl_context"} == {
        "bootstrap_servers": "kafka:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "intake",
        "sasl_plain_password": "lantern",
    }
    assert "lantern" not in repr(cluster)
    assert "lantern" not in repr(Settings())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_mechanism_is_used_as_it_is_named(monkeypatch: pytest.MonkeyPatch, mechanism: str) -> None:
    client = told(monkeypatch, SIGNED_IN | {"THROUGHLINE_KAFKA_MECHANISM": mechanism}).client
    assert client["sasl_mechanism"] == mechanism


def test_a_password_may_be_a_file_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "throughline_kafka_password").write_text("from a file\n")
    environment = SIGNED_IN | {"THROUGHLINE_SECRETS": str(tmp_path)}
    assert told(monkeypatch, environment).client["sasl_plain_password"] == "lantern"
    monkeypatch.delenv("THROUGHLINE_KAFKA_PASSWORD")
    assert Cluster.told(Settings()).client["sasl_plain_password"] == "from a file"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"THROUGHLINE_KAFKA_PASSWORD": ""}, "set THROUGHLINE_KAFKA_PASSWORD"),
        ({"THROUGHLINE_KAFKA_USER": ""}, "set THROUGHLINE_KAFKA_USER"),
        ({"THROUGHLINE_KAFKA_SECURITY": "PLAINTEXT"}, "THROUGHLINE_KAFKA_USER is set and would not be used"),
        (
            {"THROUGHLINE_KAFKA_SECURITY": "SASL_PLAINTEXT", "THROUGHLINE_KAFKA_CA": "ca.pem"},
            "THROUGHLINE_KAFKA_CA is set and would not be used",
        ),
        ({"THROUGHLINE_KAFKA_CA": "nowhere.pem"}, "THROUGHLINE_KAFKA_CA: nowhere.pem is no file"),
        ({"THROUGHLINE_KAFKA_CA": __file__}, "THROUGHLINE_KAFKA_CA: .* is no file of certificates"),
    ],
)
def test_what_does_not_go_together_is_named(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: str
) -> None:
    with pytest.raises(NotTold, match=named):
        told(monkeypatch, SIGNED_IN | changed)
