"""A bucket whose lock only its administrator's rule holds is declared so, by one variable a store."""

from __future__ import annotations

import pytest

from genuka_pipelines.settings import Misconfigured, load_settings

HOME = {"GENUKA_HOME": "/nonexistent/genuka"}
BUCKET = {"GENUKA_STORE_USA": "s3://backups/a", "GENUKA_STORE_USA_REGION": "auto"}


@pytest.mark.parametrize("written", ["administrative", " Administrative "])
def test_a_lock_is_declared(written: str) -> None:
    settings = load_settings(HOME | BUCKET | {"GENUKA_STORE_USA_LOCK": written})
    assert settings.store("usa").lock == "administrative"
    assert load_settings(HOME | BUCKET).store("usa").lock is None


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (BUCKET | {"GENUKA_STORE_USA_LOCK": "compliance"}, "GENUKA_STORE_USA_LOCK is not a lock that can be declared"),
        ({"GENUKA_STORE_USA_LOCK": "administrative"}, "GENUKA_STORE_USA is not set, but its endpoint, region or lock"),
        (
            {"GENUKA_STORE_USA": "file:///x", "GENUKA_STORE_USA_LOCK": "administrative"},
            "GENUKA_STORE_USA is a folder: leave out its endpoint, region and lock",
        ),
        (BUCKET | {"GENUKA_STORE_USA_LOCKS": "administrative"}, "write GENUKA_STORE_USA_LOCK"),
    ],
)
def test_a_wrong_lock_is_one_sentence(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load_settings(HOME | variables)
    assert sentence in str(refusal.value)
