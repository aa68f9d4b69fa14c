"""How an installation comes to Kafka: in the clear or by TLS, signed in or not. For all of its clients alike."""

from __future__ import annotations

import ssl
from pathlib import Path

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.settings import NotTold, Settings

_SIGNED_IN = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def security(settings: Settings) -> BaseSecurity | None:
    """What the settings say; None where it is in the clear. Raises NotTold, naming the setting."""
    how, user = settings.kafka_security, settings.kafka_user
    password = settings.kafka_password.get_secret_value()
    signs_in, by_tls = how.startswith("SASL"), how.endswith("SSL")
    if signs_in and not (user and password):
        given = {"THROUGHLINE_KAFKA_USER": user, "THROUGHLINE_KAFKA_PASSWORD": password}
        missing = " and ".join(name for name, value in given.items() if not value)
        raise NotTold(
            f"THROUGHLINE_KAFKA_SECURITY is {how}: set {missing}, in the environment or each as a file of the"
            " directory that THROUGHLINE_SECRETS names"
        )
    if user and not signs_in:
        raise NotTold(
            f"THROUGHLINE_KAFKA_USER is set and would not be used, because THROUGHLINE_KAFKA_SECURITY is {how}:"
            " set that to SASL_SSL, or take the user away"
        )
    if settings.kafka_ca and not by_tls:
        raise NotTold(
            f"THROUGHLINE_KAFKA_CA is set and would not be used, because THROUGHLINE_KAFKA_SECURITY is {how}:"
            " set that to SASL_SSL or SSL, or take the file away"
        )
    context = _context(settings.kafka_ca) if by_tls else None
    if signs_in:
        return _SIGNED_IN[settings.kafka_mechanism](user, password, ssl_context=context)
    return BaseSecurity(ssl_context=context) if context else None


def _context(authority: Path | None) -> ssl.SSLContext:
    """By which a broker's certificate is checked, its name included."""
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:  # what is no certificate is one too
        raise NotTold(
            f"THROUGHLINE_KAFKA_CA: {authority} is no file of certificates (PEM) that can be read: {error}"
        ) from error
