"""From a URL in the settings to a store.

A wrong URL must be one clear sentence at the start, not a failed backup at night; and the S3 client
is loaded only when a bucket is really used.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from genuka_pipelines.stores.errors import BadStoreUrl
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.naming import Shown, check_key
from genuka_pipelines.stores.s3.connection import LONGEST_PREFIX, connection
from genuka_pipelines.stores.s3.store import S3Store
from genuka_pipelines.stores.store import Capabilities, Store


def open_store(
    url: str,
    *,
    name: str,
    endpoint: str | None = None,
    region: str | None = None,
    create: bool = False,
    private_keys: bool = False,
    administrative_lock: bool = False,
    role: str | None = None,
    capabilities: Capabilities | None = None,
) -> Store:
    """A store from `file:///path` or `s3://bucket/prefix`; BadStoreUrl, NoSuchFolder and the like.

    `name` is the store's name in settings. A bucket needs a region, and an endpoint unless it is
    AWS's; credentials come from the environment (see `s3.connection.credentials`). `create` makes a
    missing folder, or a missing bucket with versions and object lock. `private_keys`: keys may hold
    names of people and must not appear in messages. `administrative_lock`: see S3Store. A bucket is used with the
    credentials of a `role` where one is given; its `capabilities`, where they are known, are not probed again.
    """
    shown = Shown(name, private_keys)
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and re.match("/+[^/]", parts.path):
        if endpoint or region or administrative_lock:
            raise BadStoreUrl(f"Store {name} is a folder: leave out its endpoint, region and administrative lock.")
        return FolderStore(Path(unquote(parts.path)), name=name, create=create, private_keys=private_keys)
    if parts.scheme == "s3" and not (parts.query or parts.fragment or "@" in parts.netloc):
        prefix = unquote(parts.path).strip("/")
        if prefix:
            check_key(prefix, shown, longest=LONGEST_PREFIX)
        bucket = connection(parts.netloc, region=region, endpoint=endpoint, shown=shown, role=role)
        store = S3Store(
            bucket, prefix=prefix and prefix + "/", administrative_lock=administrative_lock, capabilities=capabilities
        )
        if create:
            store.create()
        return store
    raise BadStoreUrl(f"The URL of store {name} is not one: write file:///path/to/folder or s3://bucket/prefix.")
