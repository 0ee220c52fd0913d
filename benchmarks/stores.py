"""What a store costs beside the bare thing: a file written and synced, an object put by the bare client.

python -m benchmarks.stores            folder and MiniStack
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.s3.store import S3Store

MIB = 1 << 20
SIZES = {"1 KiB": (1 << 10, 200), "1 MiB": (MIB, 30), "8 MiB": (8 * MIB, 4)}  # MiniStack crawls above


def rate(size: int, count: int, act: Callable[[str], Any]) -> str:
    """Milliseconds for one, and MB/s where that says anything."""
    start = time.perf_counter()
    for number in range(count):
        act(f"{size}/{number}")
    each = (time.perf_counter() - start) / count
    return f"{each * 1000:8.2f} ms" + (f" {size / each / 1e6:6.0f} MB/s" if size >= MIB else "")


def measure(label: str, put: Callable[[str, bytes], Any], get: Callable[[str], Any]) -> None:
    for name, (size, count) in SIZES.items():
        data = os.urandom(size)

        def write(key: str, data: bytes = data) -> None:
            put(key, data)

        print(
            f"{label:24}{name:>8}  put {rate(size, count, write):24}  get {rate(size, count, get)}",
            flush=True,
        )


def main() -> None:
    from tests.stores.servers import ministack

    with ExitStack() as stack:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare, folder = here / "bare", FolderStore(here / "store", name="folder", create=True)

        def write_synced(key: str, data: bytes) -> None:
            file = bare / key
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())

        measure("file, synced", write_synced, lambda key: hashlib.sha256((bare / key).read_bytes()))
        measure("folder store", folder.put, folder.get)

        os.environ.update(AWS_ACCESS_KEY_ID="AKTEST", AWS_SECRET_ACCESS_KEY="SKTEST")
        endpoint = os.environ.get("GENUKA_TEST_RGW") or stack.enter_context(ministack(here))
        bucket = f"b{uuid.uuid4().hex}"
        store = open_store(f"s3://{bucket}", name="s3", endpoint=endpoint, region="us-east-1", create=True)
        assert isinstance(store, S3Store)
        store.probe()
        client = store._client
        measure(
            "bare S3 client",
            lambda key, data: client.put_object(Bucket=bucket, Key="bare/" + key, Body=data),
            lambda key: client.get_object(Bucket=bucket, Key="bare/" + key)["Body"].read(),
        )
        measure("S3 store", store.put, store.get)

        many(folder)


def many(store: FolderStore) -> None:
    start = time.perf_counter()
    for number in range(2000):
        store.put(f"list/{number % 20}/{number}", b"x")
    put = time.perf_counter()
    listed = sum(1 for _ in store.list("list/", versions=True))
    end = time.perf_counter()
    print(f"folder store: {listed} objects put in {put - start:.1f} s, listed in {end - put:.2f} s")


if __name__ == "__main__":
    main()
