"""Backups: every tenant and the platform, each night, in two regions, unalterable, and gone at twelve months."""
