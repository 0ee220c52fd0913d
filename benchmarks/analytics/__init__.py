"""Anonymised tables beside what anybody would use instead, and beside a query that protects nobody."""
