from __future__ import annotations

from pathlib import Path

import pytest

from genuka_pipelines.keys import KeyMissing, KeyUnusable, RootKey, open_keyring
from genuka_pipelines.keys.escrow import read_recipients

ONE, OTHER = RootKey.generate().recipient, RootKey.generate().recipient


def written(folder: Path, text: str, mode: int = 0o440) -> Path:
    file = folder / "escrow"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_recipients_are_read_once_each_in_their_order(tmp_path: Path) -> None:
    text = f"# la notaire, à Paris\n{ONE}\n\n  {OTHER}  \n{ONE}\n"
    assert read_recipients(written(tmp_path, text)) == (ONE, OTHER)


@pytest.mark.parametrize(
    "text",
    ["", "# nobody\n", "age1nobody\n", f"{ONE}\nsomething else\n", "AGE-SECRET-KEY-1AAAA\n"],
    ids=["empty", "a comment", "no key", "a key and more", "a secret"],
)
def test_a_file_that_wraps_for_nobody_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyUnusable, match="must hold age public keys") as refusal:
        read_recipients(written(tmp_path, text))
    assert "SECRET" not in str(refusal.value)


def test_who_may_change_the_file_may_read_every_backup(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="others can use it"):
        read_recipients(written(tmp_path, ONE, 0o666))
    with pytest.raises(KeyMissing):
        read_recipients(tmp_path / "none")


def test_a_keyring_has_no_escrow_unless_one_is_given(tmp_path: Path) -> None:
    assert open_keyring(tmp_path / "keys", create=True).escrow == ()
    assert open_keyring(tmp_path / "keys", given={"escrow": written(tmp_path, ONE)}).escrow == (ONE,)
