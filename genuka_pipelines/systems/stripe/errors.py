"""What can go wrong at Stripe, one class per harm; no text holds an id, an address, a key or an answer."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class StripeError(GenukaError):
    """Anything that Stripe refuses or fails to do."""


class StripeForbids(StripeError):
    """This key or address will not do, whoever is meant."""


class StripeUnreachable(StripeError):
    """Nobody answered, or only with failures or waits: nothing is known."""


class StripeUnclear(StripeError):
    """What was answered is not what Stripe's interface says it answers."""
