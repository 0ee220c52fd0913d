"""What an address of a database or a store must look like before anything opens it.

A driver that is not installed, a charset that damages names or a password inside a query string
shows up hours later, in the middle of a sweep or in a log; here it is one sentence at the start.
Every text raised repeats nothing of an address but its scheme.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, model_validator

if TYPE_CHECKING:
    from sqlalchemy import URL

_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
}


def as_url(secret: SecretStr) -> URL:
    """The SQLAlchemy value of a checked address; SQLAlchemy is loaded here, not with the settings."""
    from sqlalchemy.engine.url import make_url

    return make_url(secret.get_secret_value())


def same_database(one: SecretStr, other: SecretStr) -> bool:
    """Whether two addresses lead to one database, whoever logs in."""

    def place(secret: SecretStr) -> tuple[object, ...]:
        url = as_url(secret)
        server = url.host or url.query.get("host") or url.query.get("unix_socket") or "localhost"
        return url.drivername, server, url.port or url.query.get("port"), url.database

    return place(one) == place(other)


def _database(value: SecretStr) -> SecretStr:
    from sqlalchemy.exc import ArgumentError

    try:
        url = as_url(SecretStr(value.get_secret_value().strip()))
    except (ArgumentError, ValueError):
        raise ValueError("is not an address: write postgresql://user@host/name or mysql://…") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise ValueError(f"begins with {url.drivername}://, which is not supported: write postgresql:// or mysql://")
    if not url.database:
        raise ValueError("names no database: end it with /name")
    if any(re.search("pass|secret|token", key, re.IGNORECASE) for key in url.query):
        raise ValueError("holds a secret after the ?, where it would be printed: write user:password@host instead")
    url = url.set(drivername=driver)
    if driver == "mysql+pymysql":
        if url.query.get("charset", "utf8mb4") != "utf8mb4":
            raise ValueError("asks for a charset that damages names: leave it out, or write ?charset=utf8mb4")
        url = url.update_query_dict({"charset": "utf8mb4"})
    return SecretStr(url.render_as_string(hide_password=False))


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value.strip())
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def store_url(value: str) -> str:
    """A checked place of a store; raises ValueError."""
    parts = _split(value)
    if parts is None or parts.scheme not in ("file", "s3"):
        raise ValueError("is not a store: write file:///path/to/folder or s3://bucket/prefix")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("holds more than a place: leave credentials to the S3 client's own variables")
    if parts.scheme == "file" and (parts.netloc not in ("", "localhost") or not unquote(parts.path).strip("/")):
        raise ValueError("is not an absolute folder: write file:///path/to/folder")
    if parts.scheme == "s3" and len(parts.netloc) < 3:
        raise ValueError("names no bucket: write s3://bucket or s3://bucket/prefix")
    return parts.geturl().rstrip("/")


def _endpoint(value: str) -> str:
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError("is not an endpoint: write https://host or http://host:port, without credentials")
    return parts.geturl().rstrip("/")


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
StoreUrl = Annotated[str, AfterValidator(store_url)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]


def _lock(value: str) -> str:
    if value.strip().lower() != "administrative":
        raise ValueError("is not a lock that can be declared: write administrative, or leave it out to have it tried")
    return "administrative"


class StoreAddress(BaseModel):
    """Where a store is: `file:///folder` (percent-encoded) or `s3://bucket/prefix`.

    `lock`: the bucket has a retention rule that its administrator can lift (an R2 bucket lock), which
    no request can show; without it, a lock is what the server was seen to enforce.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: StoreUrl
    endpoint: Endpoint | None = None
    region: str | None = None
    lock: Annotated[Literal["administrative"] | None, BeforeValidator(_lock)] = None

    @model_validator(mode="after")
    def _only_s3_has_options(self) -> StoreAddress:
        if (self.endpoint or self.region or self.lock) and not self.url.startswith("s3://"):
            raise ValueError("is a folder: leave out its endpoint, region and lock, or write s3://bucket/prefix")
        return self
