"""Noise: how much of which kind, what it costs, and the only place where exact figures become public ones."""
