"""Runs every measurement one after the other and prints one JSON object."""

from __future__ import annotations

import json

from benchmarks import location, staging

if __name__ == "__main__":
    print(json.dumps({"location": location.main(), "staging": staging.main()}, indent=1))
