"""Where this house finds its databases, stores, keys and facts, told once by `GENUKA_*` variables.

A mistyped variable that is silently ignored, or a swapped address, would let a sweep or a backup run
against the wrong place. So every address is checked before anything opens it, each mistake is one
sentence, and a password never reaches a message or a printed value.
"""

from __future__ import annotations

from genuka_pipelines.settings.addresses import StoreAddress
from genuka_pipelines.settings.environment import home_of, language_of, load_settings, wanted_parts
from genuka_pipelines.settings.errors import Misconfigured, NotConfigured
from genuka_pipelines.settings.model import Settings
from genuka_pipelines.settings.names import DATABASES, EMBEDDABLE, SERVICES, STORES, tenant_ref
from genuka_pipelines.settings.services import ServiceAddress
from genuka_pipelines.settings.stack_file import STACK_FILE, StackFile, read_stack

__all__ = [
    "DATABASES",
    "EMBEDDABLE",
    "SERVICES",
    "STACK_FILE",
    "STORES",
    "Misconfigured",
    "NotConfigured",
    "ServiceAddress",
    "Settings",
    "StackFile",
    "StoreAddress",
    "home_of",
    "language_of",
    "load_settings",
    "read_stack",
    "tenant_ref",
    "wanted_parts",
]
