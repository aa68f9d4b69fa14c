"""Settings: environment `THROUGHLINE_*`, and the command line above it. The defaults run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

_SAMPLES = Path(__file__).resolve().parent.parent / "deploy" / "org"
SAMPLE_ORGANISATIONS = tuple(
    _SAMPLES / f"{name}.yaml" for name in ("county", "company", "construction", "hospital")
)
SAMPLE_ORGANISATION = SAMPLE_ORGANISATIONS[0]


class NotTold(RuntimeError):
    """Settings do not go together. Says which, and what to do."""


class Settings(BaseSettings):
    """One installation's settings; each field is `THROUGHLINE_<FIELD>` in the environment.

    What should not stand there is a file `throughline_<field>` of the directory `THROUGHLINE_SECRETS`.
    """

    model_config = SettingsConfigDict(env_prefix="THROUGHLINE_")

    data: Path = Field(
        Path("data"),
        description="Directory of an embedded installation; in the cluster of one instance of a service",
    )
    keys: Path | None = Field(
        None,
        description="Directory of the installation's secrets, the same for all of a cluster; default DATA/keys",
    )
    secrets: Path | None = Field(
        None, description="Directory of settings that are secret, each a file `throughline_<setting>`"
    )
    kafka_servers: str = Field(
        "", description="Brokers of the cluster, `host:port`, comma-separated; empty: embedded"
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="Whether the way to the brokers is by TLS (SSL), and who comes signs in (SASL)",
    )
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="How it is signed in"
    )
    kafka_user: str = Field(
        "", description="As whom; one a service, or the brokers can't tell who may write what"
    )
    kafka_password: SecretStr = SecretStr("")
    kafka_ca: Path | None = Field(
        None, description="Certificates that the brokers' are signed by (PEM); default the system's"
    )
    topic_partitions: int = Field(
        12,
        description="Partitions of a topic, for ever: at most so many instances of a service share its work",
    )
    topic_replication: int = Field(3, description="Brokers that keep a topic; all but one must have an event")
    topic_prefix: str = Field("", description="What the cluster's topics begin with")
    mongo_url: str = Field("", description="The cluster's MongoDB; empty: embedded")
    mongo_database: str = Field("throughline", description="The installation's database there")
    mongo_driver: Literal["pymongo", "motor"] = "pymongo"
    org: Path = Field(SAMPLE_ORGANISATION, description="The organisation file")
    host: str = Field("127.0.0.1", description="Address to listen on; loopback unless you say otherwise")
    port: int = Field(8080, description="HTTP port; 0 takes a free one")
    smtp_port: int = Field(2525, description="SMTP port; 0 takes a free one")
    public_url: str = Field("", description="Address in links to senders; default http://HOST:PORT")
    origin: str = Field(
        "", description="Name of the trail (C2SP origin); default from the organisation file's id"
    )
    generation: int = Field(
        1, ge=1, description="Which generation of its trail a cluster is: what `migrate` says, else 1"
    )
    relay: str = Field("", description="SMTP server for outgoing mail, `host:port`; empty: the outbox folder")
    relay_user: str = ""
    relay_password: str = ""
    relay_tls: bool = False
    max_body: int = Field(8 * 2**20, description="Largest HTTP body taken, bytes")
    max_mail: int = Field(32 * 2**20, description="Largest mail taken, bytes")
    min_free: int = Field(
        256 * 2**20, description="Below this much free disk nothing more is accepted, bytes"
    )
    settle_within: int = Field(900, description="Seconds after which an unsettled message is sent again")
    open_intake: bool = Field(True, description="Whether POST /v1/messages needs no API key")
    trail_entries: str = Field("restricted", pattern="^(public|restricted)$")
    witnesses: str = Field(
        "", description="Who is asked to cosign the trail's checkpoints: `URL VKEY`, comma-separated"
    )
    witness_policy: int | None = Field(
        None, ge=0, description="How many of the witnesses must cosign; default more than half of them"
    )
    tick_seconds: int = Field(
        600, ge=1, description="How often the trail notes that time has passed, so that what is late is found"
    )
    session_hours: int = 12
    log_json: bool = Field(False, description="Logs as JSON lines rather than for reading")
    log_level: str = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is called for, then the environment, then the files."""
        directory = os.environ.get("THROUGHLINE_SECRETS")
        files = (
            SecretsSettingsSource(settings_cls, secrets_dir=directory) if directory else file_secret_settings
        )
        return init_settings, env_settings, files

    @property
    def keys_directory(self) -> Path:
        """Where the installation's secrets are."""
        return self.keys or self.data / "keys"
