"""Publication: what analysts open. Everything here is made from stored releases, and can be made again."""
