"""Sending one object to a bucket: in one request, or in parts when it is large and unlocked.

A multipart upload loses its lock on some servers and its SHA-256 on all of them, so a locked object
is always one request, and our own SHA-256 travels as metadata either way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from genuka_pipelines.stores.digests import Digest
from genuka_pipelines.stores.errors import ChecksumMismatch, StoreError
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.s3.errors import named_errors

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

MOST_PARTS = 10_000
SHA256 = "sha256"
RETAIN_UNTIL = "retain-until"


@dataclass(frozen=True, slots=True)
class Upload:
    """Where an object goes and on which conditions; `target` is its key with the store's prefix."""

    client: S3Client
    bucket: str
    target: str
    key: str
    shown: Shown
    if_none_match: bool = False
    sha256_header: bool = True
    locked_until: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def single(self, body: BinaryIO, digest: Digest) -> str | None:
        """One PUT; the version it made. Contested if the key was taken."""
        options: dict[str, Any] = self._condition()
        if self.sha256_header:
            sha256 = base64.b64encode(bytes.fromhex(digest.sha256)).decode()
            options |= {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
        if digest.md5 is not None:
            options["ContentMD5"] = base64.b64encode(bytes.fromhex(digest.md5)).decode()
        if self.locked_until is not None:
            options |= {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": self.locked_until}
        body.seek(0)
        with named_errors(self.shown, self.key):
            answer = self.client.put_object(
                Bucket=self.bucket, Key=self.target, Body=body, Metadata=self._metadata(digest), **options
            )
        return answer.get("VersionId")

    def parts(self, body: BinaryIO, digest: Digest, part_size: int) -> str | None:
        """Several requests, one part in memory at a time; nothing remains if any of them fails."""
        part_size = max(part_size, -(-digest.size // MOST_PARTS))
        place: dict[str, Any] = {"Bucket": self.bucket, "Key": self.target}
        with named_errors(self.shown, self.key):
            upload = self.client.create_multipart_upload(**place, Metadata=self._metadata(digest))["UploadId"]
        try:
            with named_errors(self.shown, self.key):
                sent = self._send(body, digest, part_size, upload)
                answer = self.client.complete_multipart_upload(
                    **place, UploadId=upload, MultipartUpload={"Parts": sent}, **self._condition()
                )
        except BaseException as error:
            self._abort(upload, error)
            raise
        return answer.get("VersionId")

    def _send(self, body: BinaryIO, digest: Digest, part_size: int, upload: str) -> list[CompletedPartTypeDef]:
        body.seek(0)
        hashed = hashlib.sha256()
        sent: list[CompletedPartTypeDef] = []
        while part := _up_to(part_size, body):
            hashed.update(part)
            number = len(sent) + 1
            md5 = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
            answer = self.client.upload_part(
                Bucket=self.bucket,
                Key=self.target,
                UploadId=upload,
                PartNumber=number,
                Body=part,
                ContentMD5=md5,
            )
            sent.append({"PartNumber": number, "ETag": answer["ETag"]})
        if hashed.hexdigest() != digest.sha256:
            raise ChecksumMismatch(f"The bytes of {self.shown(self.key)} changed while they were being sent.")
        return sent

    def _abort(self, upload: str, cause: BaseException) -> None:
        try:
            with named_errors(self.shown, self.key):
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=self.target, UploadId=upload)
        except StoreError:
            cause.add_note("The unfinished upload could not be removed: let a lifecycle rule do it.")

    def _condition(self) -> dict[str, Any]:
        return {"IfNoneMatch": "*"} if self.if_none_match else {}

    def _metadata(self, digest: Digest) -> dict[str, str]:
        return {SHA256: digest.sha256, **self.metadata}


def _up_to(size: int, body: BinaryIO) -> bytes:
    """Exactly `size` bytes unless the end comes first; one read may give less."""
    pieces: list[bytes] = []
    while size and (piece := body.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
