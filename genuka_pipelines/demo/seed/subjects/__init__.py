"""One maker of rows per subject of the schema, in the order in which they lean on each other.

A maker yields chunks and hands back the few columns that later subjects refer to; no maker reads a
database, so the same recipe gives the same rows to both dialects.
"""
