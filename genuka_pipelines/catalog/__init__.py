"""Pure values: what is held, why, for how long, where, and which clause promises it.

Nothing here opens a database or reads a clock; everything above is derived from these values.
"""
