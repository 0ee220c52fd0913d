"""French and English: every text for people that is not itself a declared fact.

One catalogue of sentences keeps the terminal, the report and the archives in step in both languages.
"""
