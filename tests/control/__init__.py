"""The control database."""
