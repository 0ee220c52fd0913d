"""What a ledger entry may say: a closed set of shapes with no room for free text.

A new kind of evidence is a new shape here, so what the ledger can ever hold is read in one file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from genuka_pipelines.catalog.request import Channel, RequestKind
from genuka_pipelines.control.canonical import canonical_json
from genuka_pipelines.control.errors import LedgerDamaged, NotOpaque
from genuka_pipelines.control.opaque import Clause, Count, Hash, Key, Known, Name, Opaque, Shard


class Body(Opaque):
    """The base of every shape."""

    kind: ClassVar[str]
    noun = "a ledger entry"

    @property
    def subject(self) -> str:
        """What the latest entry is looked up by, at most 190 characters; empty when nothing is."""
        return ""

    def canonical(self) -> str:
        """The body in its one spelling."""
        return canonical_json(self.model_dump(mode="json"))


class Observation(Body):
    """A category was looked at: rows by table, rows due by rule, the day of its oldest row."""

    kind = "observation"
    category: Key
    rows: Mapping[Name, Known]
    due: Mapping[Key, Known] = Field(default_factory=dict)
    oldest: date | None = None

    @property
    def subject(self) -> str:
        """The category."""
        return self.category


class Check(Body):
    """A question was answered for an asset."""

    kind = "check"
    asset: Annotated[Key, StringConstraints(max_length=120)]
    check: Name
    clauses: tuple[Clause, ...] = ()
    passed: bool = Field(strict=True)
    severity: Literal["warn", "error"]
    counts: Mapping[Key, Known] = Field(default_factory=dict)

    @property
    def subject(self) -> str:
        """`asset#check`."""
        return f"{self.asset}#{self.check}"


class StagedShard(Opaque):
    """One Parquet file: its rows and the SHA-256 of its bytes."""

    noun = "a staged shard"
    rows: Count
    sha256: Hash


class Staging(Body):
    """A table was staged: only these columns, one file a shard."""

    kind = "staging"
    product: Name
    table: Name
    columns: tuple[Name, ...]
    shards: Mapping[Shard, StagedShard]

    @property
    def subject(self) -> str:
        """`product/table`."""
        return f"{self.product}/{self.table}"


class Anchored(Body):
    """The head was written, signed, into these stores."""

    kind = "anchor"
    head: Count
    head_hash: Hash
    stores: Annotated[tuple[Name, ...], Field(min_length=1)]
    day: date


class Seeded(Body):
    """A synthetic platform of this size was made."""

    kind = "seed"
    companies: Count
    days: Count
    seed: Count
    rows: Mapping[Key, Count]


class Lifecycle(Body):
    """The house itself changed state."""

    kind = "lifecycle"
    event: Literal["up", "down", "go_live"]


class Switched(Body):
    """A capability that destroys or discloses was switched on or off."""

    kind = "switch"
    capability: Name
    on: bool = Field(strict=True)

    @property
    def subject(self) -> str:
        """The capability."""
        return self.capability


HoldKind = Literal["hold", "restriction", "dispute", "security"]
ScopeKind = Literal["row", "subject", "tenant", "category"]


class HoldChange(Body):
    """The base of what happens to a hold: whom it binds as a keyed hash, or the category; `until` in UTC."""

    hold: Name
    measure: HoldKind
    scope: ScopeKind
    digest: Hash | None = None
    category: Key | None = None
    until: date | None = None

    @property
    def subject(self) -> str:
        """The hold."""
        return self.hold


class HoldPlaced(HoldChange):
    """Rows may not be destroyed from now on."""

    kind = "hold_placed"


class HoldRenewed(HoldChange):
    """A hold has another end."""

    kind = "hold_renewed"


class HoldReleased(HoldChange):
    """A hold binds no more."""

    kind = "hold_released"


class NoticeIssued(Body):
    """A tenant, as a keyed hash, is warned `days` before it loses data under a rule."""

    kind = "notice"
    rule: Key
    tenant: Hash
    days: Count
    due: date

    @property
    def subject(self) -> str:
        """The tenant's hash."""
        return self.tenant


class Pruned(Body):
    """The ledger's own beginning went: `count` entries up to entry `through`, whose hash is `last_hash`.

    All were written on the day `before` or earlier.
    """

    kind = "pruned"
    through: Annotated[Count, Field(ge=1)]
    last_hash: Hash
    count: Annotated[Count, Field(ge=1)]
    before: date


class Absence(Body):
    """Nothing is left of an epoch of backups in a region: versions, markers and bytes that were destroyed there.

    Written here because the bucket that it is about keeps nothing of that epoch, this proof included.
    """

    kind = "absence"
    epoch: date
    region: Name
    objects: Count
    bytes: Count

    @property
    def subject(self) -> str:
        """`region/epoch`."""
        return f"{self.region}/{self.epoch}"


BackupOwner = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""Whose a backup is, as keys of objects name it: a keyed hash."""


class ShreddingAnnounced(Body):
    """The key of an owner's backups is to be destroyed, or `withdrawn`; `by` is the keyed hash of who says so."""

    kind = "shredding_announced"
    owner: BackupOwner
    by: Hash
    withdrawn: bool = Field(default=False, strict=True)

    @property
    def subject(self) -> str:
        """The owner."""
        return self.owner


class KeyShredded(Body):
    """The key announced in an entry is destroyed in each store: the SHA-256 of what was there, None for nothing."""

    kind = "key_shredded"
    owner: BackupOwner
    announced: Annotated[Count, Field(ge=1)]
    by: Hash
    found: Annotated[Mapping[Name, Hash | None], Field(min_length=1)]

    @property
    def subject(self) -> str:
        """The owner."""
        return self.owner


class Planned(Body):
    """What is about to be destroyed: `root` is the Merkle root of the rows' keyed hashes."""

    kind = "intent"
    rule: Key
    table: Name
    count: Count
    root: Hash
    verb: Literal["delete", "anonymise"] = "delete"

    @property
    def subject(self) -> str:
        """The rule."""
        return self.rule


class Done(Body):
    """What was destroyed under the intention of entry `intent`."""

    kind = "outcome"
    intent: Annotated[Count, Field(ge=1)]
    rule: Key
    table: Name
    count: Count
    root: Hash

    @property
    def subject(self) -> str:
        """The number of the intention's entry."""
        return str(self.intent)


class ErasuresPublished(Body):
    """A segment of the list of erasures was written into these regions: its number, hash and rows."""

    kind = "erasures_published"
    number: Count
    sha256: Hash
    rows: Count
    regions: Annotated[tuple[Name, ...], Field(min_length=1)]


class RecoveryInstructed(Body):
    """A member of staff recorded a tenant's instruction to give back what it had deleted itself."""

    kind = "recovery_instructed"
    owner: BackupOwner
    by: Hash

    @property
    def subject(self) -> str:
        """The owner."""
        return self.owner


class Restored(Body):
    """A backup was restored and passed the gate: only then may it be used.

    `captured` is its snapshot's moment, `list_head` and `list_sha256` the last segment of the list of erasures
    that was replayed. `region` is the one that was read alone, or first; `seconds` from its first byte to the end of
    the gate. A drill lists rows as erased that are not: `planted` of them were there, and then were not. Rows
    `erased` were listed; `swept` are overdue as of now; `kept` are listed, and held or
    kept by law; `undone` were given back in the application; `recovered` on the tenant's own instruction.
    Out of `cut` values of other rows an address was taken again.
    """

    kind = "restored"
    scope: Literal["tenant", "table", "platform", "everything"]
    owner: BackupOwner | None = None
    region: Name | None = None
    drill: bool = Field(default=False, strict=True)
    planted: Count = 0
    seconds: Count = 0
    captured: AwareDatetime
    tables: Count
    rows: Count
    erased: Count
    swept: Count
    kept: Count
    undone: Count
    recovered: Count
    cut: Count = 0
    list_head: Count
    list_sha256: Hash

    @property
    def subject(self) -> str:
        """The owner; empty for all of them."""
        return self.owner or ""


ReleasePeriod = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-([0-9]{2}(-[0-9]{2})?|W[0-9]{2}|Q[1-4])$")]
"""A day, week, month or quarter: 2026-10-31, 2026-W44, 2026-10, 2026-Q4."""


class ReleaseChange(Body):
    """The base of what happens to a release for analysts: its table, period, and the fingerprint of what makes it."""

    table: Name
    period: ReleasePeriod
    spec: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]

    @property
    def subject(self) -> str:
        """`table/period/spec`."""
        return f"{self.table}/{self.period}/{self.spec}"


class BudgetDebited(ReleaseChange):
    """A release may be made, once: what it costs a class of units in a year (rho, pure in 1e-12, delta in 1e-18)."""

    kind = "budget_debited"
    units: Name
    year: Count
    rho: Count
    pure: Known = None
    delta: Count


class ReleaseStored(ReleaseChange):
    """A release is in the store: the SHA-256 of its bytes."""

    kind = "release_stored"
    sha256: Hash


RequestId = Annotated[str, StringConstraints(pattern=r"^[a-z]{12}$")]


class RequestChange(Body):
    """The base of what happens to a request: nobody's name, address or key, and no tenant."""

    request: RequestId
    asked: RequestKind

    @property
    def subject(self) -> str:
        """The request."""
        return self.request


class RequestOpened(RequestChange):
    """Somebody asked, on a day, by a channel; the answer is due on another day."""

    kind = "request_opened"
    channel: Channel
    arrived: date
    due: date


class RequestMoved(RequestChange):
    """A request went from a state to another; `preview` is the digest of what was approved, or is waiting for it."""

    kind = "request_moved"
    before: Name
    after: Name
    why: Name | None = None
    due: date
    preview: Hash | None = None


class ValuesChanged(Body):
    """Values of a column were changed for a request: keyed hashes of all that were there, and of all that are."""

    kind = "values_changed"
    request: RequestId
    category: Key
    table: Name
    column: Name
    count: Count
    before: Hash
    after: Hash

    @property
    def subject(self) -> str:
        """The request."""
        return self.request


NoticeHow = Literal["adapter", "procedure"]
NoticeState = Literal["open", "told", "impossible"]


class RecipientNotice(RequestChange):
    """A recipient is to be told of a request, by its interface or by people; or was, or, for a reason, cannot be."""

    kind = "recipient_notice"
    recipient: Name
    how: NoticeHow
    state: NoticeState
    why: Name | None = None


class DeliveryChange(Body):
    """The base of what happens to something that is handed over: an opaque id, which names nobody."""

    delivery: Hash

    @property
    def subject(self) -> str:
        """The delivery."""
        return self.delivery


class ExportMade(DeliveryChange):
    """A tenant's archive was made, loaded again and found the same: what is in it.

    `plain` is the SHA-256 of the tar before it was sealed, which the same rows give again.
    """

    kind = "export_made"
    tables: Count
    rows: Count
    media: Count
    excluded: Count
    captured: AwareDatetime
    plain: Hash


class DeliveryMade(DeliveryChange):
    """Something sealed may be fetched until a day; afterwards it is destroyed."""

    kind = "delivery_made"
    what: Name
    sha256: Hash
    size: Count
    expires: date


class DeliveryDownloaded(DeliveryChange):
    """It was fetched, for the so-manyth time."""

    kind = "delivery_downloaded"
    downloads: Count


class DeliveryWithdrawn(DeliveryChange):
    """It can be fetched no more: its time was over, or somebody said so."""

    kind = "delivery_withdrawn"
    why: Literal["expired", "withdrawn"]


B = TypeVar("B", bound=Body)
_SHAPES: tuple[type[Body], ...] = (
    Observation, Check, Staging, Anchored, Seeded, Lifecycle, Switched, HoldPlaced, HoldRenewed, HoldReleased,
    NoticeIssued, Pruned, Planned, Done, Absence, ShreddingAnnounced, KeyShredded,
    ErasuresPublished, RecoveryInstructed, Restored, BudgetDebited, ReleaseStored,
    RequestOpened, RequestMoved, ValuesChanged, RecipientNotice,
    ExportMade, DeliveryMade, DeliveryDownloaded, DeliveryWithdrawn,
)  # fmt: skip
KINDS: Mapping[str, type[Body]] = {shape.kind: shape for shape in _SHAPES}


def read_body(kind: str, text: str, seq: int) -> Body:
    """The body of a stored entry; LedgerDamaged, naming the entry, when it is none."""
    try:
        return KINDS[kind].model_validate_json(text)
    except (KeyError, NotOpaque, ValidationError):
        raise LedgerDamaged(
            f"ledger entry {seq} does not hold a body that this program knows: run `genuka ledger verify`"
        ) from None
