"""How the control database came to be, step by step.

A step is `versions/v<number>_<what>.py`; on MySQL a crash can end it halfway, so every statement must
be repeatable. The newest number is also `schema.HEAD`.
"""
