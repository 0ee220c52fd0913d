"""The questions put to the archives that tenants may fetch, one module each."""
