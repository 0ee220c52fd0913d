"""Customers at Stripe, over its interface: found by id or address, deleted one at a time.

Deleting a customer ends its subscriptions, which may be a whole company's: that is left to people.
"""
