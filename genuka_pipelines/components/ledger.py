"""The ledger as an asset: materialised when its signed head is put into the stores, checked for wholeness."""

from datetime import UTC, datetime

import dagster as dg

from genuka_pipelines.catalog import evidence
from genuka_pipelines.components.fact import FactComponent
from genuka_pipelines.components.resource import RESOURCE, House, one_sentence
from genuka_pipelines.report.anchors import anchor_ledger, verify_ledger

_ADVICE = {"try": "genuka ledger verify", "runbook": "docs/ledger.md"}


class Ledger(FactComponent):
    """The append-only record that outlives Dagster's own history."""

    model = evidence.Ledger

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset `evidence/ledger`, and its check `intact`."""
        declared = self.catalog.ledgers[self.key]
        asset_key = dg.AssetKey(self.key.split("/"))

        @dg.asset(
            key=asset_key,
            group_name="evidence",
            deps=[["systems", system] for system in declared.anchored_in],
            description=f"{declared.title.en}: the signed head, put into {' and '.join(declared.anchored_in)}.",
            kinds={"table"},
            required_resource_keys={RESOURCE},
        )
        def _anchor(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            house: House = getattr(context.resources, RESOURCE)
            with one_sentence(**_ADVICE):
                head = anchor_ledger(house.runtime(), as_of=house.moment(), now=datetime.now(UTC))
            return dg.MaterializeResult(metadata={"entries": head.seq, "head": head.hash})

        @dg.asset_check(
            asset=asset_key,
            name="intact",
            blocking=True,
            description="Is the chain whole, from its first entry to the anchored head?",
            required_resource_keys={RESOURCE},
            metadata=dict(_ADVICE),
        )
        def _intact(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            house: House = getattr(context.resources, RESOURCE)
            with one_sentence(**_ADVICE):
                found = verify_ledger(house.runtime(), datetime.now(UTC))
            problems = [dg.TableRecord({"entry": p.seq, "what": str(p)}) for p in found.problems[:20]]
            return dg.AssetCheckResult(
                passed=found.intact,
                metadata={
                    "entries": found.entries,
                    **({"problems": dg.MetadataValue.table(problems), **_ADVICE} if problems else {}),
                },
            )

        return dg.Definitions(assets=[_anchor], asset_checks=[_intact])
