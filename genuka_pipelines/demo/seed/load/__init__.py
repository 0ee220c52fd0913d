"""Getting rows into a database as fast as it takes them: COPY here, LOAD DATA there.

Both read the same tab-separated text, made once; the rest of the seeding does not know which of
the two dialects it fills, so what is shown on one holds on the other.
"""
