"""One script for each peer, run by the Python of a venv of its own: their pins do not agree with ours."""
