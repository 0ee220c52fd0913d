"""Files in a store as contents of rows: every object of a key, every version of each, looked for again.

A library of media writes a picture and its conversions below the row's own number; deleting the
picture alone, or only its newest version, would leave copies that nothing names any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import takewhile

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.content import Failure, Reason
from genuka_pipelines.rows.contents_one_by_one import ask_each
from genuka_pipelines.stores.errors import InvalidKey, Locked, NoSuchStore, NotAllowed, StoreUnreachable
from genuka_pipelines.stores.store import Store, Stored

_NUMBER = re.compile(r"[0-9]{1,20}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.I | re.A)
_AFTER_SLASH = "0"  # the character that follows "/", so every key below "a/" comes before "a0"
_FAILURES: tuple[tuple[type[GenukaError], Reason, str], ...] = (
    (Locked, "locked", "an object of store {store} is retained: it goes once its lock has ended"),
    (InvalidKey, "unfit_key", "a row names what store {store} cannot hold: correct the row"),
    (NotAllowed, "refused", "store {store} does not let us list and delete versions: give these credentials the right"),
    (NoSuchStore, "refused", "store {store} is not there: correct its address"),
    (StoreUnreachable, "unreachable", "store {store} does not answer: it goes on next time"),
)


class ContentsInStore:
    """`Contents` whose keys are objects, or the numbers of rows below which a library of media writes.

    A key is the object of that name; where it is a row's number (decimal, ULID, UUID) it is also every
    object below `<key>/`. What lies below any other key fails and stays, since a damaged row that says
    `invoices` must not take every invoice. `named` tells an object's name from its key.
    """

    def __init__(self, store: Store, *, named: Callable[[str], str] = str) -> None:
        self._store, self._named = store, named

    def destroy(self, keys: Sequence[str]) -> dict[str, Failure | None]:
        """See `Contents.destroy`."""
        return ask_each(keys, self._destroy, self._failure, nothing=None)

    def remaining(self, keys: Sequence[str]) -> dict[str, bool | None]:
        """See `Contents.remaining`; a hidden version is something left."""
        answers = ask_each(keys, lambda key: bool(self._versions(key)), self._failure, nothing=False)
        return {key: None if isinstance(answer, Failure) else answer for key, answer in answers.items()}

    def check(self) -> str:
        """List a first object."""
        next(iter(self._store.list()), None)
        return f"objects of the store {self._store.name}"

    def _destroy(self, key: str) -> None:
        found = self._versions(key)
        for version in reversed(found):  # oldest first, so that none of them shows again
            self._store.delete(version.key, version=version.version)
        if found and self._versions(key):
            raise _Failed("still_there", f"store {self._store.name} lists what was deleted: see who writes there")

    def _versions(self, key: str) -> list[Stored]:
        """Every version and marker of every object of a key, by name and newest first."""
        name = self._named(key)
        if "" in name.split("/"):
            raise _Failed("unfit_key", f"a row names no object of store {self._store.name}: correct it")
        near = takewhile(lambda one: one.key < name + _AFTER_SLASH, self._store.list(name, versions=True))
        found = [one for one in near if one.key == name or one.key.startswith(name + "/")]
        if not _NUMBER.fullmatch(name) and any(one.key != name for one in found):
            says = f"a row names a folder of store {self._store.name} whose objects may be others': correct it"
            raise _Failed("unfit_key", says)
        return found

    def _failure(self, error: GenukaError) -> Failure:
        if isinstance(error, _Failed):
            return error.failure
        for kind, reason, says in _FAILURES:
            if isinstance(error, kind):
                return Failure(reason, says.format(store=self._store.name))
        return Failure("refused", f"store {self._store.name} refuses or fails ({type(error).__name__}): see its log")


class _Failed(GenukaError):
    """What a store does not call an error and we do."""

    def __init__(self, reason: Reason, says: str) -> None:
        super().__init__(says)
        self.failure = Failure(reason, says)


def shelved(key: str) -> str:
    """The name of the object that stands for a thing of a service; spread, since a folder of thousands lists slowly."""
    return f"{sha256(key.encode()).hexdigest()[:2]}/{key}"
