"""Asks questions of the data and answers with counts, never with a value: each answer goes into the ledger."""
