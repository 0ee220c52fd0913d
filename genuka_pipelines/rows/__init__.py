"""Which rows: a selection becomes one predicate, and the same predicate counts, acts and recounts.

Two ways to say "due" would sooner or later disagree, and one of them would be the promise.
"""
