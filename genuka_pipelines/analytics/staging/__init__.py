"""Staging: the declared columns of a table, coarsened or pseudonymised inside its database, as Parquet."""
