"""Keys: what tells our signature from another's, a pseudonym from a name, and a backup from a readable copy.

They live apart from the data they protect, and no other room handles their bytes.
"""

from __future__ import annotations

from genuka_pipelines.keys.epochs import PseudonymRing
from genuka_pipelines.keys.errors import (
    KeyDestroyed,
    KeyFolderUnusable,
    KeyHeldElsewhere,
    KeyMissing,
    KeyReplaced,
    KeysNotApart,
    KeyStillThere,
    KeyUnusable,
    Undecryptable,
)
from genuka_pipelines.keys.mac import HmacKey, hmac_pads
from genuka_pipelines.keys.ring import Keyring, open_keyring
from genuka_pipelines.keys.root import RootKey
from genuka_pipelines.keys.sealing import SealingKey
from genuka_pipelines.keys.secret import Secret
from genuka_pipelines.keys.signing import SigningKey, verify

__all__ = [
    "HmacKey",
    "KeyDestroyed",
    "KeyFolderUnusable",
    "KeyHeldElsewhere",
    "KeyMissing",
    "KeyReplaced",
    "KeyStillThere",
    "KeyUnusable",
    "Keyring",
    "KeysNotApart",
    "PseudonymRing",
    "RootKey",
    "SealingKey",
    "Secret",
    "SigningKey",
    "Undecryptable",
    "hmac_pads",
    "open_keyring",
    "verify",
]
