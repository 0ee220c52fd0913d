"""`genuka …`: the rooms from a terminal. One sentence for every error, one JSON object with `--json`."""
