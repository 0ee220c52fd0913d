"""Keeps the promises of a privacy policy, by pipelines that prove it."""
