"""Session recordings at PostHog, over its private interface: deleted one at a time, and asked after.

PostHog deploys continuously and promises no status for an id that it does not know; the stand-in of
tests/systems/posthog is the contract that this room keeps to, so a change there shows what it costs.
"""
