"""Runs modules one after the other in one process: loading the house costs more than many of its jobs.

Each line of standard input is a module's name with its arguments, as JSON; after each, one line says how it ended.
"""

from __future__ import annotations

import json
import runpy
import sys

ENDED = "\x1eended"


def main() -> None:
    """Read commands and run them, until there are no more."""
    for line in sys.stdin:
        sys.argv = json.loads(line)
        code = _run(sys.argv[0])
        sys.stderr.flush()
        sys.stdout.write(f"\n{ENDED} {code}\n")
        sys.stdout.flush()


def _run(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception as error:  # noqa: BLE001 - its text may hold values; the next command is tried all the same
        sys.stderr.write(f"{type(error).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    main()
