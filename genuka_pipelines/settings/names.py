"""Which variables exist, and which part of the settings each one is.

One table answers three questions: where a value goes, which variable an error is about, and which
name somebody who mistyped one meant. Three lists would drift apart.
"""

from __future__ import annotations

import difflib
import re

PREFIX = "GENUKA_"
STORES = ("media", "france", "usa", "exports", "published")
DATABASES = ("genuka", "genletter", "control", "analytics", "drill")
SERVICES = {"posthog": "genuka", "tawk_to": "genletter"}
"""The services that hold what rows point at, each with the database of those rows."""
EMBEDDABLE = frozenset({"genuka", "genletter", "control", *STORES})
"""What `genuka up` can bring itself; the analytics copy is always somebody else's server."""

Place = tuple[str, ...]
"""A path into the settings: ("stores", "france", "endpoint")."""

_PLACES: dict[str, Place] = {
    "HOME": ("home",),
    "ASSETS": ("assets",),
    "LANGUAGE": ("language",),
    "ENGINE": ("engine",),
    "DATABASE_URL": ("databases", "genuka"),
    "GENLETTER_URL": ("databases", "genletter"),
    "CONTROL_URL": ("databases", "control"),
    "ANALYTICS_URL": ("databases", "analytics"),
    "DRILL_URL": ("databases", "drill"),
    "POSTHOG_URL": ("services", "posthog", "url"),
    "POSTHOG_PROJECT": ("services", "posthog", "project"),
    "POSTHOG_KEY_FILE": ("services", "posthog", "key_file"),
    "POSTHOG_REQUESTS_PER_MINUTE": ("services", "posthog", "requests_per_minute"),
    "POSTHOG_REQUESTS_PER_HOUR": ("services", "posthog", "requests_per_hour"),
    "TAWK_TO_URL": ("services", "tawk_to", "url"),
    "STRIPE_URL": ("recipients", "stripe", "url"),
    "STRIPE_KEY_FILE": ("recipients", "stripe", "key_file"),
}
for _store in STORES:
    _PLACES[f"STORE_{_store.upper()}"] = ("stores", _store, "url")
    _PLACES[f"STORE_{_store.upper()}_ENDPOINT"] = ("stores", _store, "endpoint")
    _PLACES[f"STORE_{_store.upper()}_REGION"] = ("stores", _store, "region")
    _PLACES[f"STORE_{_store.upper()}_LOCK"] = ("stores", _store, "lock")

_VARIABLES = {place: variable for variable, place in _PLACES.items()}
_KEY_FILE = re.compile(r"KEY_([A-Z0-9_]+)_FILE")
_TENANT_DSN = re.compile(r"TENANT_DSN__([A-Z0-9_]+)")


def place_of(variable: str) -> Place | None:
    """Where the value of a variable (named without its prefix) goes; None when there is no such variable."""
    if match := _KEY_FILE.fullmatch(variable):
        return "key_files", match[1].lower()
    if match := _TENANT_DSN.fullmatch(variable):
        return "tenants", tenant_ref(match[1])
    return _PLACES.get(variable)


def variable_of(place: Place) -> str:
    """The full name of the variable that fills a place, or the nearest thing that holds it."""
    match place:
        case ("key_files", name, *_):
            return f"{PREFIX}KEY_{name.upper()}_FILE"
        case ("tenants", ref, *_):
            return f"{PREFIX}TENANT_DSN__{ref}"
        case ("stores", store):
            return f"{PREFIX}STORE_{store.upper()}"
        case ("services", service):
            return f"{PREFIX}{service.upper()}_URL"
        case ("recipients", recipient):
            return f"{PREFIX}{recipient.upper()}_KEY_FILE"
    return PREFIX + _VARIABLES[place]


def meant_by(variable: str) -> str | None:
    """What somebody who wrote an unknown variable most likely meant; None when nothing is near."""
    if variable.startswith("KEY_"):
        name = variable.removeprefix("KEY_").removesuffix("_PATH")
        return f"{PREFIX}KEY_{'<NAME>' if name in ('', 'FILE') else name}_FILE"
    if variable.startswith("TENANT_DSN"):
        return f"{PREFIX}TENANT_DSN__{tenant_ref(variable.removeprefix('TENANT_DSN')) or '<REF>'}"
    if near := difflib.get_close_matches(variable, _PLACES, n=1, cutoff=0.75):
        return PREFIX + near[0]
    return f"{PREFIX}STORE_<{'|'.join(STORES).upper()}>" if variable.startswith("STORE_") else None


def tenant_ref(ref: str) -> str:
    """A tenant's reference as a variable can spell it: capitals, digits and `_`."""
    return re.sub(r"[^A-Z0-9]+", "_", ref.upper()).strip("_")
