"""The S3 client's errors, named for the harm and emptied of everything they quote.

A driver's text may hold keys, addresses and request identifiers; and a 404 on a HEAD does not say
whether the object or the whole bucket is missing, which must never be confused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genuka_pipelines.stores.errors import (
    BadStoreUrl,
    ChecksumMismatch,
    ClockSkewed,
    Contested,
    NoSuchBucket,
    NoSuchObject,
    NotAllowed,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
    TooBig,
)
from genuka_pipelines.stores.naming import Shown

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_NOT_ALLOWED = "refused these credentials: check the key, its rights and the region"
_BUSY = "is overloaded or failing: try again later"
_ELSEWHERE = "says its bucket is in another region: correct the region or the endpoint"
_DAMAGED = "received other bytes than were sent and stored nothing: send them again"
_FULL = "has used up its quota: raise it or free some space"
_SKEWED = "says this machine's clock is wrong: set the clock"
_TAKEN = "already has that object"
_CODES: dict[str, tuple[type[StoreError], str]] = {
    **dict.fromkeys(("PreconditionFailed", "412"), (Contested, _TAKEN)),
    **dict.fromkeys(("ConditionalRequestConflict", "OperationAborted", "409"), (Contested, _TAKEN)),
    **dict.fromkeys(("AccessDenied", "403", "InvalidAccessKeyId"), (NotAllowed, _NOT_ALLOWED)),
    **dict.fromkeys(("SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"), (NotAllowed, _NOT_ALLOWED)),
    **dict.fromkeys(("AllAccessDisabled", "AccountProblem", "401"), (NotAllowed, _NOT_ALLOWED)),
    **dict.fromkeys(("SlowDown", "ServiceUnavailable", "503", "Throttling"), (StoreUnreachable, _BUSY)),
    **dict.fromkeys(("InternalError", "500", "502", "504", "RequestTimeout"), (StoreUnreachable, _BUSY)),
    **dict.fromkeys(("PermanentRedirect", "301", "307", "TemporaryRedirect"), (BadStoreUrl, _ELSEWHERE)),
    **dict.fromkeys(("AuthorizationHeaderMalformed", "InvalidLocationConstraint"), (BadStoreUrl, _ELSEWHERE)),
    **dict.fromkeys(("BadDigest", "InvalidDigest", "IncompleteBody"), (ChecksumMismatch, _DAMAGED)),
    **dict.fromkeys(("XAmzContentSHA256Mismatch", "InvalidChecksum"), (ChecksumMismatch, _DAMAGED)),
    **dict.fromkeys(("QuotaExceeded", "InsufficientStorage", "507"), (StoreFull, _FULL)),
    "RequestTimeTooSkewed": (ClockSkewed, _SKEWED),
    "EntityTooLarge": (TooBig, "takes no object of that size at once: split it"),
}
_MISSING_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"})


@contextmanager
def named_errors(shown: Shown, key: str | None = None) -> Iterator[None]:
    """Around requests about `key`, or about the bucket when there is none."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _answered(error, shown, key) from None
    except BotoCoreError as error:
        raise _unanswered(error, shown) from None


def _answered(error: ClientError, shown: Shown, key: str | None) -> StoreError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if not re.fullmatch("[A-Za-z0-9]{1,60}", code):
        code = str(error.response["ResponseMetadata"]["HTTPStatusCode"])
    if code == "NoSuchBucket" or (code in ("404", "NotFound") and key is None):
        return NoSuchBucket(f"The bucket of store {shown.store} does not exist: create it or correct the URL.")
    if key is not None and code in _MISSING_OBJECT:
        return NoSuchObject(f"There is no {shown(key)}, or not in that version.")
    if code in _CODES:
        kind, what = _CODES[code]
        return kind(f"The server of store {shown.store} {what}.")
    return StoreRefused(f"The server of store {shown.store} refused a request ({code}).", code)


def _unanswered(error: BotoCoreError, shown: Shown) -> StoreError:
    from botocore import exceptions as known
    from botocore.parsers import ResponseParserError

    if isinstance(error, known.SSLError):
        what = "shows a certificate that is not trusted: check the endpoint"
        return StoreUnreachable(f"The server of store {shown.store} {what}.")
    if isinstance(error, (known.HTTPClientError, known.ConnectionError, known.IncompleteReadError)):
        what = "does not answer or broke off: check the endpoint and the network"
        return StoreUnreachable(f"The server of store {shown.store} {what}.")
    if isinstance(error, ResponseParserError):
        what = "does not speak S3: correct the endpoint"
        return StoreRefused(f"The server of store {shown.store} {what}.")
    return StoreRefused(f"The S3 client of store {shown.store} gave up ({type(error).__name__}): check its settings.")
