"""How a bucket is reached: endpoint, region and credentials, and one client configured once.

Left to its defaults the S3 client reads credentials from files, follows an endpoint from the
environment and adds checksum trailers that OVHcloud and R2 refused; each of these sends data, or
fails to, behind our back.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from genuka_pipelines.catalog.host import is_this_machine
from genuka_pipelines.stores.errors import BadStoreUrl, NoSuchBucket, StoreRefused
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.s3.errors import named_errors

if TYPE_CHECKING:
    from boto3.session import Session
    from types_boto3_s3 import S3Client

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ONE_AT_A_TIME = threading.Lock()  # a session makes one client at a time
LONGEST_PREFIX = 200
_CONFIG: dict[str, Any] = {
    "signature_version": "s3v4",
    "s3": {"addressing_style": "path", "payload_signing_enabled": True},
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "ignore_configured_endpoint_urls": True,
    "retries": {"mode": "standard", "total_max_attempts": 4},
    "connect_timeout": 10,
    "read_timeout": 60,
    "max_pool_connections": 32,
    "tcp_keepalive": True,
}


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a bucket is. `endpoint` None means AWS; `region` such as gra, eu-west-3 or auto.

    `role` is what is done there with credentials of its own, such as expiry.
    """

    bucket: str
    region: str
    endpoint: str | None
    shown: Shown
    role: str | None = None

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine: then nothing it says about its place counts."""
        return self.endpoint is not None and is_this_machine(urlsplit(self.endpoint).hostname)

    def client(self, environment: Mapping[str, str] = os.environ) -> S3Client:
        """A client safe to share between threads; BadStoreUrl when credentials are missing."""
        key, secret, token = credentials(self.shown.store, environment, self.role)
        with named_errors(self.shown), _ONE_AT_A_TIME:
            from botocore.config import Config

            return _session().client(
                "s3",
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(**_CONFIG),
            )


@cache
def _session() -> Session:
    """Shared, because a session loads megabytes of service descriptions; it holds no credentials."""
    from boto3.session import Session

    return Session()


def connection(
    bucket: str, *, region: str | None, endpoint: str | None, shown: Shown, role: str | None = None
) -> Connection:
    """A checked connection; BadStoreUrl says what would be right and repeats no value."""
    if not _BUCKET.fullmatch(bucket):
        raise BadStoreUrl(
            f"The bucket of store {shown.store} is not a bucket name: write s3://bucket/prefix with 3 to 63 "
            "lower-case letters, digits, dots or hyphens."
        )
    if not region:
        raise BadStoreUrl(
            f"Store {shown.store} names no region: give the provider's code, such as gra, eu-west-3 or auto."
        )
    checked = Connection(bucket, region, endpoint, shown, role)
    if endpoint is not None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
            raise BadStoreUrl(
                f"The endpoint of store {shown.store} is not one: write https://host or https://host:port, "
                "without credentials."
            )
        if parts.scheme == "http" and not checked.loopback:
            raise BadStoreUrl(f"The endpoint of store {shown.store} is not encrypted: write https://.")
    return checked


def create_bucket(client: S3Client, where: Connection) -> None:
    """Make the bucket with versions and object lock, unless it is there; existing ones stay as they are."""
    try:
        with named_errors(where.shown):
            client.head_bucket(Bucket=where.bucket)
            return
    except NoSuchBucket:
        pass
    place: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": where.region}}
    nameless = where.region in ("us-east-1", "auto")  # not LocationConstraints
    try:
        with named_errors(where.shown):
            client.create_bucket(Bucket=where.bucket, ObjectLockEnabledForBucket=True, **({} if nameless else place))
    except StoreRefused as error:
        if error.code != "BucketAlreadyOwnedByYou":  # somebody was faster
            raise


def credentials(store: str, environment: Mapping[str, str], role: str | None = None) -> tuple[str, str, str | None]:
    """Key, secret and perhaps a token: `AWS_ACCESS_KEY_ID__FRANCE` before `AWS_ACCESS_KEY_ID`.

    One store's own variables are never mixed with the common ones. A role has its own and no others, such as
    `AWS_ACCESS_KEY_ID__FRANCE_EXPIRY`: what may be done with them must not be possible with the rest.
    """
    suffix = "__" + re.sub(r"[^A-Z0-9]+", "_", store.upper())
    for end in (suffix, "") if role is None else (f"{suffix}_{role.upper()}",):
        key, secret, token = (environment.get(name + end) or None for name in _SECRETS)
        if key and secret:
            return key, secret, token
        if key or secret:
            break
    what = "credentials" if role is None else f"credentials of its own for {role}"
    raise BadStoreUrl(f"Store {store} has no {what}: set both {_SECRETS[0]}{end} and {_SECRETS[1]}{end}.")
