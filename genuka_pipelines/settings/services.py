"""What an address of a service must look like, and what has to be told beside it.

A key sent in the clear or a project left out would show as thousands of refusals at night; and a
folder that stands for a service must never be taken for the service itself.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from genuka_pipelines.settings.addresses import store_url
from genuka_pipelines.settings.paths import KeyFile
from genuka_pipelines.systems.http.address import address


def _service(value: str) -> str:
    if value.strip().startswith("file:"):
        return store_url(value)
    address(value)
    return value.strip().rstrip("/")


def _encrypted(value: str) -> str:
    address(value)
    return value.strip().rstrip("/")


def _project(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,18}", value.strip()):
        raise ValueError("is not a project's number: write the digits that its address holds")
    return value.strip()


def _requests(value: Any) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,6}", str(value).strip()):
        raise ValueError("is not a number of requests: write one of at least 1")
    return int(value)


Requests = Annotated[int, BeforeValidator(_requests)]


class ServiceAddress(BaseModel):
    """Where a service is: `https://host`, or `file:///folder`, whose objects stand for its contents in a demo.

    The requests are our share of the service's limits, which people use too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_service)]
    project: Annotated[str, AfterValidator(_project)] | None = None
    key_file: KeyFile | None = None
    requests_per_minute: Requests = 200
    requests_per_hour: Requests = 1000

    @property
    def is_folder(self) -> bool:
        """Whether a folder stands for the service."""
        return self.url.startswith("file:")

    @property
    def host(self) -> str | None:
        """The service's host; None for a folder."""
        return None if self.is_folder else address(self.url).host

    @model_validator(mode="after")
    def _whole(self) -> ServiceAddress:
        if self.is_folder and (self.project or self.key_file):
            raise ValueError("is a folder: leave out its project and key file, or write https://host")
        if not self.is_folder and not (self.project and self.key_file):
            raise ValueError("is a service: set its _PROJECT and its _KEY_FILE too")
        return self


class RecipientAddress(BaseModel):
    """The interface of somebody who was given data, and the key to it; without a key people do the telling."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_encrypted)] = "https://api.stripe.com"
    key_file: KeyFile
