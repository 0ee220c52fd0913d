"""PipelineDP on its local backend: the same bounds and ε. Its time begins once the rows are Python tuples."""

# mypy: ignore-errors
import json
import sys
import time

import pipeline_dp
import pyarrow.parquet as pq

file, epsilon, delta, cells, rows, amount, groups = sys.argv[1], *map(float, sys.argv[2:])
table = pq.read_table(file)
listed = list(zip(*(table[name].to_pylist() for name in ("user", "grp", "amount")), strict=True))
begun = time.perf_counter()
accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=epsilon, total_delta=delta)
engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
params = pipeline_dp.AggregateParams(
    metrics=[pipeline_dp.Metrics.COUNT, pipeline_dp.Metrics.SUM],
    noise_kind=pipeline_dp.NoiseKind.LAPLACE,
    max_partitions_contributed=int(cells),
    max_contributions_per_partition=int(rows),
    min_value=0,
    max_value=amount / rows,
)
extractors = pipeline_dp.DataExtractors(
    privacy_id_extractor=lambda row: row[0],
    partition_extractor=lambda row: row[1],
    value_extractor=lambda row: row[2],
)
keys = [f"group {number}" for number in range(int(groups))]
result = engine.aggregate(listed, params, extractors, public_partitions=keys)
accountant.compute_budgets()
print(json.dumps({"released": len(list(result)), "seconds": time.perf_counter() - begun}))
