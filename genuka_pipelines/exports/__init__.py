"""The complete archive of one tenant: made, loaded again and compared before anybody is told of it, and sealed for it.

A tenant that cannot leave with its data is a hostage; one that leaves with another's is a breach.
"""

from __future__ import annotations

from genuka_pipelines.exports.choosing import Preview, preview
from genuka_pipelines.exports.creating import Archive, Trial, create, delivery_of, trial_of
from genuka_pipelines.exports.receiving import Loaded, Verified, load, verify
from genuka_pipelines.exports.sealing.envelope import (
    Opener,
    Recipient,
    identities_in,
    passphrase_in,
    passphrase_named,
)
from genuka_pipelines.exports.withdrawing import expire, withdraw

__all__ = [
    "Archive",
    "Loaded",
    "Opener",
    "Preview",
    "Recipient",
    "Trial",
    "Verified",
    "create",
    "delivery_of",
    "expire",
    "identities_in",
    "load",
    "passphrase_in",
    "passphrase_named",
    "preview",
    "trial_of",
    "verify",
    "withdraw",
]
