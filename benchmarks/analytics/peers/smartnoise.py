"""SmartNoise SQL over pandas: the same bounds and ε. Its `max_ids` bounds rows, so it is given cells × rows."""

# mypy: ignore-errors
import json
import sys
import time

import pandas as pd
from snsql import Privacy, from_df

file, epsilon, delta, cells, rows, amount, groups = sys.argv[1], *map(float, sys.argv[2:])
frame = pd.read_parquet(file, columns=["user", "grp", "amount"])
metadata = {
    "": {
        "": {
            "rows": {
                "max_ids": int(cells * rows),
                "sample_max_ids": True,
                "censor_dims": False,
                "clamp_counts": False,
                "user": {"name": "user", "type": "int", "private_id": True},
                "grp": {"name": "grp", "type": "string"},
                "amount": {"name": "amount", "type": "int", "lower": 0, "upper": int(amount / rows)},
            }
        }
    }
}
reader = from_df(frame, privacy=Privacy(epsilon=epsilon / 2, delta=delta), metadata=metadata)
begun = time.perf_counter()
found = reader.execute("SELECT grp, COUNT(*) AS n, SUM(amount) AS s FROM rows GROUP BY grp")
print(json.dumps({"seconds": time.perf_counter() - begun, "released": len(found) - 1}))
