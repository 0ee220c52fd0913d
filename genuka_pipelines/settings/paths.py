"""Paths as the settings hold them: absolute, and really there where they have to be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


def absolute(value: Path) -> Path:
    """A path that means the same wherever the process goes; raises ValueError."""
    try:
        return value.expanduser().absolute()
    except (RuntimeError, OSError):
        raise ValueError("cannot be made an absolute path: write one that begins with /") from None


def _folder_of_facts(value: Path) -> Path:
    folder = absolute(value)
    if not folder.is_dir():
        raise ValueError(f"names {folder}, which is not a folder: write the folder that holds the YAML facts")
    return folder


def _key_file(value: Path) -> Path:
    file = absolute(value)
    if not file.is_file():
        raise ValueError(f"names {file}, which is not a file: write the path of the key file")
    return file


FolderOfFacts = Annotated[Path, AfterValidator(_folder_of_facts)]
KeyFile = Annotated[Path, AfterValidator(_key_file)]
