"""Restores where nobody uses them, so that every backup is known to come back."""
