"""Backups beside pg_dump and restic: `python -m benchmarks.backups`."""
