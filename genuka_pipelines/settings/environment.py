"""From variables to settings: the environment first, then what `genuka up` wrote, then nothing.

The environment is an argument, so a test or a second stack in one process never leaks into another;
and every mistake comes out as one sentence that begins with the variable to correct.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genuka_pipelines.catalog.value import Language
from genuka_pipelines.settings.errors import Misconfigured
from genuka_pipelines.settings.model import Settings, spoken
from genuka_pipelines.settings.names import EMBEDDABLE, PREFIX, SERVICES, Place, meant_by, place_of, variable_of
from genuka_pipelines.settings.paths import absolute
from genuka_pipelines.settings.stack_file import STACK_FILE, StackFile, read_stack


def load_settings(env: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """The settings of this process; raises Misconfigured in one sentence that shows no secret.

    `env` is the process's own environment unless given; `home` comes before `GENUKA_HOME`. An empty
    variable counts as not set.
    """
    values = _nested(_given(env))
    values["home"] = home or home_of(env)
    stack = read_stack(values["home"])
    embedded = _fill_in(values, stack) if stack else frozenset[str]()
    try:
        return Settings.model_validate(values | {"embedded": embedded})
    except ValidationError as error:
        raise Misconfigured(_sentence(error, embedded, values["home"])) from None


def home_of(env: Mapping[str, str] | None = None) -> Path:
    """The folder of state alone: readable also when everything else is misconfigured."""
    try:
        return absolute(Path(_given(env).get("HOME", ".genuka")))
    except ValueError as error:
        raise Misconfigured(f"{PREFIX}HOME {error}") from None


def language_of(env: Mapping[str, str] | None = None) -> Language:
    """The language of what people read in a terminal alone: `fr`, or `en` if not told."""
    try:
        return spoken(_given(env).get("LANGUAGE", "en"))
    except ValueError as error:
        raise Misconfigured(f"{PREFIX}LANGUAGE {error}") from None


def wanted_parts(env: Mapping[str, str] | None = None) -> frozenset[str]:
    """The databases and stores that the environment is silent about: what `genuka up` has to bring."""
    values = _nested(_given(env))
    told: set[str] = {
        *values["databases"],
        *(name for name, store in values["stores"].items() if "url" in store),
    }
    return EMBEDDABLE - told


def _given(env: Mapping[str, str] | None) -> dict[str, str]:
    return {
        name.upper().removeprefix(PREFIX): value
        for name, value in (os.environ if env is None else env).items()
        if name.upper().startswith(PREFIX) and value.strip()
    }


def _nested(given: Mapping[str, str]) -> dict[str, Any]:
    """The values at their places; an unknown name that looks like a slip is refused, others are not ours."""
    values: dict[str, Any] = {"databases": {}, "stores": {}, "services": {}, "tenants": {}, "key_files": {}}
    for name, value in given.items():
        place = place_of(name)
        if place is None:
            if meant := meant_by(name):
                raise Misconfigured(f"{PREFIX}{name} is not a variable of this program: write {meant}")
            continue
        branch = values
        for step in place[:-1]:
            branch = branch.setdefault(step, {})
        branch[place[-1]] = value
    return values


def _fill_in(values: dict[str, Any], stack: StackFile) -> frozenset[str]:
    """Put the embedded addresses where the environment left none; the names that were put."""
    databases = {name: url for name, url in stack.databases.items() if name not in values["databases"]}
    # A store of which the environment tells anything is the operator's: a folder of ours has no region and no lock.
    stores = {name: url for name, url in stack.stores.items() if name not in values["stores"]}
    values["databases"] |= databases
    for name, url in stores.items():
        values["stores"][name] = {"url": url}
    # A folder stands for a service only beside the synthetic database whose rows speak of it: beside
    # any other, "nothing is there" would be taken for "it is gone".
    for service, url in stack.services.items():
        if SERVICES[service] in databases and service not in values["services"]:
            values["services"][service] = {"url": url}
    values["tenants"] = stack.tenants | values["tenants"]
    return frozenset(databases) | frozenset(stores)


def _sentence(error: ValidationError, embedded: frozenset[str], home: Path) -> str:
    """The first fault as one sentence that begins with its variable; never the value itself."""
    fault = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place: Place = tuple(str(step) for step in fault["loc"])
    text = fault["msg"].removeprefix("Value error, ")
    match place:
        case ():
            return f"{text} ({home / STACK_FILE} fills in what is not set)" if embedded else text
        case (_, name, *_) if name in embedded:
            return f"{home / STACK_FILE} is damaged ({name} {text}): run `genuka up` to write it anew"
        case ("stores", name, "url") if fault["type"] == "missing":
            return f"{variable_of(('stores', name))} is not set, but its endpoint, region or lock is: set it too"
        case ("recipients", _, "key_file") if fault["type"] == "missing":
            return f"{variable_of(place)} is not set, but the address that it is for is: set it too"
        case ("services", name, "url") if fault["type"] == "missing":
            return f"{variable_of(place)} is not set, but what goes with it is: set it too"
    return f"{variable_of(place)} {text}"
