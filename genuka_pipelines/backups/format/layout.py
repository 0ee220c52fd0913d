"""Where each object lies: the same keys in every region, and nothing in them that names anyone.

All of an epoch lies below one prefix, so that its end is the emptying of that prefix; the keys of
tenants lie outside, unlocked, so that they can be destroyed at any time.
"""

from __future__ import annotations

from genuka_pipelines.backups.calendar import Epoch, epoch_of

ROOT = "v1/"
EPOCHS = f"{ROOT}e/"
KEYS = f"{ROOT}k/"
ERASURES = f"{ROOT}x/"
CANARY = f"{ROOT}canary/"


def of_epoch(epoch: Epoch) -> str:
    """The prefix of everything that dies with an epoch."""
    return f"{EPOCHS}{epoch.name}/"


def of_owner(epoch: Epoch, owner: str) -> str:
    """The prefix of what an epoch holds of one owner (its id)."""
    return f"{of_epoch(epoch)}{owner}/"


def epoch_key(epoch: Epoch, owner: str) -> str:
    """Where the keys of an epoch begin: `k.<id>`, each wrapped by the owner's key of that id."""
    return f"{of_owner(epoch, owner)}k"


def pack(epoch: Epoch, owner: str, name: str) -> str:
    """A pack, by its own name."""
    return f"{of_owner(epoch, owner)}p/{name}"


def manifest(backup: str, owner: str) -> str:
    """The manifest of one owner: the commit point of its backup."""
    return f"{of_owner(epoch_of(backup), owner)}m/{backup}"


def night(backup: str) -> str:
    """The manifest of a night: the commit point of all owners together."""
    return f"{of_epoch(epoch_of(backup))}n/{backup}"


def receipt(backup: str, region: str, what: str, when: str) -> str:
    """What was proved of a backup in a region, and when."""
    return f"{of_epoch(epoch_of(backup))}r/{backup}/{region}/{what}.{when}"


def tenant_key(owner: str) -> str:
    """An owner's own key, wrapped by the root: never locked."""
    return f"{KEYS}{owner}"


def erasure_segment(number: int) -> str:
    """A segment of the list of erasures."""
    return f"{ERASURES}{number:012d}"
