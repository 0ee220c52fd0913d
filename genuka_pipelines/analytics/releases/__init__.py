"""Releases: what leaves the boundary, once for each table and period, and where it is kept."""
