"""What an operator may set: environment variables `HUTONG_…`, files of secrets, and `hutong.toml` beneath them."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.clock import CHINA, zone
from schemas.catalog import TYPES

PREFIX = "HUTONG_"
FILE = "hutong.toml"

SHORTEST_TOKEN = 22
"""Characters; a shorter token holds fewer than 128 random bits."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Names a folder with a file for each secret setting, called as the setting is in the environment; systemd sets it."""

FOUR_EYES = ("activation", "bulk-replay", "discard", "address", "secrets")
"""What may be set to need a second person."""

SIGNING = ("ed25519", "sm2")
"""What receipts and heads may be signed with."""

ALLOWABLE = ("http", "private", "loopback")
"""What a platform's address may be allowed to be, beside a public one under TLS."""

EXPORTS = ("file", "syslog+udp", "syslog+tcp", "syslog+tls")
"""How the address of where the audit is exported to begins."""

AES, SM4 = "aes-256-gcm", "sm4-gcm"
"""What may encrypt in the ledger."""

SQLITE = "sqlite:///"
"""How the address of a ledger in a file begins: one process has it."""

POSTGRESQL = ("postgresql+psycopg://", "postgresql://")
"""How the address of a ledger in a database begins: any number of processes may share it."""


SHORTEST = timedelta(days=184)
"""Six months: for so long at least everything is kept."""

_NEVER = timedelta(days=366 * 10_000)
_DAYS = {"day": 1, "month": 31, "year": 366}
_HASH = re.compile(r"[0-9a-f]{64}")
_PERIOD = re.compile(r"(\d{1,4}) (day|month|year)s?")


class Unset(Exception):
    """The settings cannot be used; the message names each one and what to do."""


def period(said: str) -> timedelta:
    """Read how long something is kept: `36 months`, `10 years`, `200 days` or `never` (it never goes).

    A month counts as 31 days and a year as 366. ValueError for anything else, and for less than six months.
    """
    if said == "never":
        return _NEVER
    found = _PERIOD.fullmatch(said)
    if found is None:
        raise ValueError(f"{said!r} is no period; write one like '36 months', '10 years', '200 days' or 'never'")
    span = timedelta(days=int(found[1]) * _DAYS[found[2]])
    if span < SHORTEST:
        raise ValueError(f"{said!r} is too short: everything is kept for 6 months at least")
    return span


class RetentionSettings(BaseModel):
    """How long what is settled is kept: messages, their bodies, and messages of single types; each is a `period`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: str = "10 years"
    bodies: str = "36 months"
    types: dict[str, str] = {}

    @field_validator("messages", "bodies")
    @classmethod
    def _known_period(cls, value: str, info: ValidationInfo) -> str:
        _named(str(info.field_name), value)
        return value

    @field_validator("types")
    @classmethod
    def _known_types(cls, value: dict[str, str]) -> dict[str, str]:
        for type, said in value.items():
            if type not in TYPES:
                raise ValueError(f"types: there is no message type {type}; known are {', '.join(sorted(TYPES))}")
            _named(type, said)
        return value

    def __str__(self) -> str:
        """Write it as people say it."""
        return ", ".join(f"{name} {value}" for name, value in (("messages", self.messages), ("bodies", self.bodies)))


PEOPLE_ROLES = ("viewer", "body-reader", "operator", "author", "approver", "auditor", "admin")
"""The roles that a person may have."""


class OidcSettings(BaseModel):
    """An OpenID provider whose tokens people may show, and what its claims make of them.

    A claim inside another is written with a full stop between: `realm_access.roles`. `roles` says which roles a value
    of the claim gives; who has none of these values gets in nowhere. Without `regions_claim` everybody works
    everywhere; with it, whoever's token has none gets in nowhere, and `000000` is the whole country. `regions` says
    which region a value means; without it the values are codes themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    audience: str = Field(min_length=1)
    jwks_url: str = ""
    subject_claim: str = Field("sub", min_length=1)
    name_claim: str = Field("name", min_length=1)
    roles_claim: str = Field("roles", min_length=1)
    roles: dict[str, tuple[str, ...]] = Field(min_length=1)
    regions_claim: str = ""
    regions: dict[str, str] = {}

    @field_validator("issuer", "jwks_url")
    @classmethod
    def _known_address(cls, said: str) -> str:
        parts = urlsplit(said)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
        if said and (not (parts.scheme == "https" or local) or not parts.hostname or "@" in parts.netloc):
            raise ValueError("must be an https address (http on this machine only)")
        return said

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, said: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if unknown := sorted({role for roles in said.values() for role in roles} - set(PEOPLE_ROLES)):
            raise ValueError(f"there is no role {', '.join(unknown)}; known are {', '.join(PEOPLE_ROLES)}")
        return said


def _named(name: str, said: str) -> None:
    try:
        period(said)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class Settings(BaseSettings):
    """All settings, with their defaults. An unknown one is an error, in the file and in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True)

    ledger: str = Field(
        "sqlite:///hutong.db",
        description="Where messages are kept: sqlite:///PATH for one process, "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE for several.",
    )
    redis: str = Field(
        "",
        description="A Redis server through which the processes of a PostgreSQL ledger wake each other, count "
        "callers' rates together, share what platforms answered and remember what signed calls said once: "
        "redis://HOST:PORT/0.",
    )
    adapters: str = Field("", description="Extra folders of adapter bundles, separated by ':'.")
    routes: str = Field("", description="A routes file to use instead of the bundled one.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    intake_calls: int = Field(
        512, ge=1, description="Calls with documents that are taken in at once; more are answered 429."
    )
    intake_megabytes: int = Field(
        256, ge=1, description="Megabytes of documents that are taken in at once; more are answered 429."
    )
    call_rate: int = Field(
        0, ge=0, le=100_000, description="Calls a second that a platform may make; more are answered 429. 0: no limit."
    )
    call_burst: int = Field(
        0, ge=0, le=100_000, description="Calls of a platform that may come at once; 0: as many as in a second."
    )
    batches: int = Field(8, ge=1, le=256, description="Batches that are taken in at once; more are answered 429.")
    batch_answer_megabytes: int = Field(
        1024,
        ge=1,
        description="Megabytes of answers to batches that may wait on the disk (TMPDIR) while nobody reads them.",
    )
    connections: int = Field(1000, ge=8, description="Connections in all; a process with few files takes fewer.")
    connections_per_address: int = Field(
        250, ge=1, description="Connections from one address; set it higher behind a proxy that all callers share."
    )
    header_kilobytes: int = Field(32, ge=4, le=1024, description="Kilobytes of a request's line and headers; else 431.")
    headers: int = Field(100, ge=16, le=1000, description="Headers of a request; more are answered 431.")
    url_bytes: int = Field(8192, ge=256, le=65536, description="Bytes of a request's address; longer is answered 414.")
    header_seconds: float = Field(10, gt=0, description="Seconds for the headers to arrive; slower is answered 408.")
    body_seconds: float = Field(
        15, gt=0, description="Seconds without a byte of a body, or of an answer that can be sent; then it is over."
    )
    body_rate: int = Field(
        1000, ge=0, description="Bytes a second that a body must come with after 10 seconds; slower is answered 408."
    )
    idle_seconds: float = Field(20, gt=0, description="Seconds for which a connection may stay without a request.")
    send_assessments: bool = Field(
        True,
        description="Tell a case's mobile-enforcement and penalty platforms what the checks of it came to, where they "
        "take assessment.recorded. Findings are kept and shown in either case.",
    )
    longest_retry_after: int = Field(
        3600, ge=1, description="Seconds that a platform may ask us to wait (Retry-After); more counts as these."
    )
    lease_seconds: int = Field(
        120, ge=1, le=3600, description="Seconds for which a platform has what it fetched from its inbox (mode: pull)."
    )
    query_seconds: int = Field(
        0,
        ge=0,
        le=3600,
        description="Seconds for which what a platform answered to a query is kept for others who look at the same "
        "enterprise; 0: it is asked every time.",
    )
    readers: int = Field(2, ge=1, le=64, description="Processes that read large bodies and replies, at most.")
    reader_megabytes: int = Field(1024, ge=256, description="Megabytes that each of them may take.")
    reader_seconds: int = Field(
        20, ge=1, description="Seconds of processor time that a body or a reply may take; then it is too costly."
    )
    attachments: str = Field(
        "",
        description="Where uploaded attachments are: a folder, or s3://BUCKET/PREFIX with address, region and keys in "
        "the AWS_… variables; else a folder beside the ledger. Processes share it.",
    )
    inspection_cap: int | None = Field(
        None,
        ge=1,
        description="On-site inspections that an enterprise may have of one authority in a year; the report counts "
        "what is beyond it. Unset: the figure is unknown.",
    )
    attachment_megabytes: int = Field(200, ge=1, le=10240, description="Megabytes of an attachment; else 413.")
    attachment_days: int = Field(
        7, ge=1, description="Days after which an attachment goes that no document names, or names any more."
    )
    attachment_quota_megabytes: int = Field(
        10240, ge=1, description="Megabytes that a platform may have uploaded and not named in a document; else 429."
    )
    clock_warning_days: int = Field(
        3,
        ge=0,
        le=60,
        description="Working days before its last day from which a statutory deadline of a case is told to lapse.",
    )
    uploads: int = Field(16, ge=1, description="Attachments that are uploaded at once; more are answered 429.")
    retention: Annotated[RetentionSettings, NoDecode] = Field(
        RetentionSettings(),
        description="How long what is settled is kept, 6 months at least: a table [retention] with messages, bodies, "
        "and types; or one period for all messages. See docs/operations.md.",
    )
    rejection_megabytes: int = Field(64, ge=1, description="Megabytes of rejections that are kept for a platform.")
    reply_megabytes: int = Field(256, ge=1, description="Megabytes of long replies that are kept for a platform.")
    zone: str = Field(
        CHINA, description="The time zone in which people read times, and in which they write those without an offset."
    )
    admin_token: SecretStr | None = Field(
        None,
        description=f"The administrator's token, at least {SHORTEST_TOKEN} characters; else one is made at first start "
        "and kept in a file beside the ledger, which only its owner can read.",
    )

    oidc: OidcSettings | None = Field(
        None,
        description="The OpenID provider whose tokens people may show instead of one of ours: a table [oidc] with "
        "issuer, audience and roles; as a variable in JSON. See docs/access.md.",
    )
    emergency_token_hash: str = Field(
        "",
        description="The SHA-256 of an emergency token, 64 hexadecimal digits, as `hutong people emergency` prints "
        "it; each use of that token is an alarm. Empty: there is none.",
    )
    emergency_token_file: str = Field(
        "",
        description="A file that only its owner can read with that hash, instead of the setting.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of the proxies whose word counts for the client certificate that a caller "
        "showed (X-Client-Certificate), separated by commas.",
    )
    allow_destinations: str = Field(
        ",".join(ALLOWABLE),
        description="What every platform's address may be beside a public one under TLS: http, private, loopback, with "
        "commas between; empty: only what its registration allows.",
    )
    four_eyes: str = Field(
        "",
        description="What happens only when a second person approves it: "
        f"{', '.join(FOUR_EYES)}, with commas between; empty: nothing.",
    )
    signing: str = Field(
        "ed25519", description="What receipts and the audit's heads are signed with: ed25519, or sm2 (over SM3)."
    )
    signing_key: str = Field(
        "",
        description="The file of the key that receipts and the audit's heads are signed with; else one is "
        "made at first start beside the ledger, which only its owner can read.",
    )

    unsigned_bundles: Literal["warn", "refuse"] = Field(
        "warn",
        description="What becomes of an uploaded bundle that nobody signed, for a region that has no key for bundles: "
        "warn or refuse. Once a region has one, its bundles must be signed.",
    )
    encryption_key: SecretStr | None = Field(
        None,
        description="The key under which platforms' secrets and stored requests are encrypted in the ledger: "
        "file:PATH, command:PROGRAM (see docs/rights.md), or the key itself, 32 bytes (AES-256) or 16 (SM4) in Base64. "
        "Unset: they are kept in clear.",
    )
    encryption_old_keys: SecretStr | None = Field(
        None,
        description="Keys that were HUTONG_ENCRYPTION_KEY before, written in the same way, with commas between: what "
        "is encrypted under them is read, and encrypted anew.",
    )
    encryption_cipher: str = Field(AES, description=f"What encrypts: {AES} or {SM4}.")

    audit_export: str = Field(
        "",
        description="Where every entry of the audit is sent as it is written: syslog+tcp://HOST:514, "
        "syslog+tls://HOST:6514?ca=FILE, syslog+udp://HOST:514 (RFC 5424), or file:///PATH (a line of JSON each).",
    )
    witness_seconds: int = Field(
        3600,
        ge=1,
        le=86_400,
        description="Seconds at least between two signed heads that a platform with the setting `witness` is offered.",
    )

    tsa: str = Field(
        "",
        description="The address of a time-stamp authority (RFC 3161 over HTTP) by which signed heads are stamped; "
        "empty: none is.",
    )
    tsa_ca: str = Field(
        "",
        description="The file with the certificates (PEM) by which that authority is believed; without it what was "
        "stamped is checked, and by whom only when it is verified.",
    )
    tsa_seconds: int = Field(3600, ge=1, le=86_400, description="Seconds at least between two heads that are stamped.")

    metrics_open: bool = Field(False, description="Whether /metrics asks for no credential; keep it inside then.")

    @property
    def token_file(self) -> Path:
        """Give the file that keeps an administrator's token which was made: beside the ledger, or here."""
        beside = self.ledger.removeprefix(SQLITE) if self.ledger.startswith(SQLITE) else "hutong"
        return Path(f"{beside}.admin")

    @property
    def signing_key_file(self) -> Path:
        """Give the file of the signing key: as set, or beside the ledger."""
        if self.signing_key:
            return Path(self.signing_key).expanduser()
        beside = self.ledger.removeprefix(SQLITE) if self.ledger.startswith(SQLITE) else "hutong"
        return Path(f"{beside}.signing-key")

    @property
    def attachment_folder(self) -> Path:
        """Give the folder of uploaded attachments, where they are in one: as set, or beside the ledger."""
        if self.attachments:
            return Path(self.attachments).expanduser()
        beside = self.ledger.removeprefix(SQLITE) if self.ledger.startswith(SQLITE) else "hutong"
        return Path(f"{beside}.attachments")

    @property
    def allowed_destinations(self) -> frozenset[str]:
        """Give the kinds of destination that every platform may have."""
        return frozenset(one for each in self.allow_destinations.split(",") if (one := each.strip()))

    @property
    def four_eyes_kinds(self) -> frozenset[str]:
        """Give what needs a second person."""
        return frozenset(one for each in self.four_eyes.split(",") if (one := each.strip()))

    @property
    def shared(self) -> bool:
        """Whether several processes may have the ledger."""
        return self.ledger.startswith(POSTGRESQL)

    @property
    def adapter_folders(self) -> tuple[Path, ...]:
        """Give the extra folders of bundles, in the order they were named."""
        return tuple(Path(name).expanduser() for name in self.adapters.split(":") if name.strip())

    @property
    def routes_file(self) -> Path | None:
        """Give the routes file that replaces the bundled one, or None."""
        return Path(self.routes).expanduser() if self.routes else None

    @field_validator("ledger")
    @classmethod
    def _known_ledger(cls, value: str) -> str:
        if value.startswith(POSTGRESQL):
            if not urlsplit(value).path.strip("/"):
                raise ValueError("names no database; write postgresql+psycopg://USER:PASSWORD@HOST/DATABASE")
        elif not value.startswith(SQLITE):
            raise ValueError(
                "not an address of a ledger; write sqlite:///PATH, such as sqlite:////var/lib/hutong.db, "
                "or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
            )
        return value

    @field_validator("retention", mode="before")
    @classmethod
    def _written_retention(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return json.loads(value) if value.startswith("{") else {"messages": value}

    @field_validator("signing")
    @classmethod
    def _known_signing(cls, said: str) -> str:
        if said not in SIGNING:
            raise ValueError(f"nothing is signed with {said}; write {' or '.join(SIGNING)}")
        return said

    @field_validator("four_eyes")
    @classmethod
    def _known_four_eyes(cls, said: str) -> str:
        for one in filter(None, (each.strip() for each in said.split(","))):
            if one not in FOUR_EYES:
                raise ValueError(f"{one} is nothing that four eyes look at: {', '.join(FOUR_EYES)}")
        return said

    @field_validator("tsa")
    @classmethod
    def _known_authority(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("not an address; write https://HOST/PATH of an authority that answers RFC 3161 over HTTP")
        return value

    @field_validator("tsa_ca")
    @classmethod
    def _known_roots(cls, value: str) -> str:
        if value:
            try:
                load_pem_x509_certificates(Path(value).expanduser().read_bytes())
            except (OSError, ValueError):
                raise ValueError(f"{value} has no certificates (PEM) that can be read") from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, value: str) -> str:
        for one in value.split(","):
            if one.strip():
                ip_network(one.strip())
        return value

    @field_validator("allow_destinations")
    @classmethod
    def _known_destinations(cls, said: str) -> str:
        for one in filter(None, (each.strip() for each in said.split(","))):
            if one not in ALLOWABLE:
                raise ValueError(f"{one} is no kind of destination: {', '.join(ALLOWABLE)}")
        return said

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("redis")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("not an address of a Redis server; write redis://HOST:PORT/0, or leave it empty")
        return value

    @field_validator("emergency_token_hash")
    @classmethod
    def _a_hash(cls, said: str) -> str:
        if said and not _HASH.fullmatch(said):
            raise ValueError("is no SHA-256 in 64 small hexadecimal digits; `hutong people emergency` makes one")
        return said

    @field_validator("audit_export")
    @classmethod
    def _known_export(cls, said: str) -> str:
        parts = urlsplit(said)
        known = parts.scheme in EXPORTS and bool(parts.path if parts.scheme == "file" else parts.hostname)
        if said and not known:
            raise ValueError(
                "not where the audit can go; write syslog+tcp://HOST:514, syslog+tls://HOST:6514?ca=FILE, "
                "syslog+udp://HOST:514 or file:///PATH"
            )
        return said

    @field_validator("encryption_cipher")
    @classmethod
    def _known_cipher(cls, said: str) -> str:
        if said not in (AES, SM4):
            raise ValueError(f"{said} is no cipher that there is: {AES}, {SM4}")
        return said

    @field_validator("admin_token", "encryption_key", "encryption_old_keys", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("admin_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"has fewer than {SHORTEST_TOKEN} characters; `openssl rand -base64 32` makes a good one")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let arguments win over the environment, that over files of secrets, and these over `hutong.toml`."""
        secrets = (SecretsSettingsSource(settings_cls, folder),) if (folder := os.environ.get(CREDENTIALS)) else ()
        return init_settings, env_settings, *secrets, TomlConfigSettingsSource(settings_cls)


def load(environment: Mapping[str, str] | None = None, /, **overrides: object) -> Settings:
    """Read the settings of this process; Unset with one line a fault when they cannot be used.

    `environment` is only looked at for unknown names (the process's own unless given).
    """
    faults = _unknown(os.environ if environment is None else environment)
    if faults:
        raise Unset("\n".join(faults))
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Unset("\n".join(_say(one["loc"], one["msg"]) for one in error.errors())) from None
    except ValueError as error:
        raise Unset(f"{FILE} cannot be read: {error}") from None


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    given = [name for name in environment if name.upper().startswith(PREFIX)]
    return [_suggest(name, known) for name in given if name.upper() not in known]


def _suggest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, 1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"{name}: there is no such setting; {remedy}"


def _say(place: tuple[int | str, ...], message: str) -> str:
    name, *inner = map(str, place)
    if inner and not message.startswith("Value error"):
        message = f"{'.'.join(inner)}: {message}"
    fault = {"Extra inputs are not permitted": f"there is no such setting in {FILE}; see the README for the list"}
    return f"{PREFIX}{name.upper()}: {fault.get(message, message.removeprefix('Value error, '))}"
