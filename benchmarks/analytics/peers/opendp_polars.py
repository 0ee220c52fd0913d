"""OpenDP's Polars interface: the same bounds and ε. `keep="first"` is the truncation that works under its own pin."""

# mypy: ignore-errors
import json
import sys
import time

import opendp.prelude as dp
import polars as pl

dp.enable_features("contrib", "honest-but-curious")
file, epsilon, delta, cells, rows, amount, groups = sys.argv[1], *map(float, sys.argv[2:])
keys = pl.LazyFrame({"grp": [f"group {number}" for number in range(int(groups))]})
begun = time.perf_counter()
context = dp.Context.compositor(
    data=pl.scan_parquet(file).select("user", "grp", "amount"),
    privacy_unit=dp.unit_of(
        contributions=[
            dp.polars.Bound(by=["grp"], per_group=int(rows)),
            dp.polars.Bound(by=[], num_groups=int(cells)),
        ],
        identifier=pl.col("user"),
    ),
    privacy_loss=dp.loss_of(epsilon=epsilon),
    split_evenly_over=1,
    margins=[dp.polars.Margin(by=["grp"], max_length=10_000_000, max_groups=int(groups))],
)
query = (
    context.query()
    .truncate_per_group(int(rows), by=["grp"], keep="first")
    .truncate_num_groups(int(cells), by=["grp"], keep="first")
    .group_by("grp")
    .agg(dp.len(), pl.col("amount").fill_null(0).dp.sum((0, int(amount / rows))))
    .with_keys(keys)
)
released = query.release().collect()
print(json.dumps({"seconds": time.perf_counter() - begun, "released": released.height}))
