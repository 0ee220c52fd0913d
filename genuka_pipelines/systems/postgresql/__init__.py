"""PostgreSQL behind the dialect seam: its spellings, and its bulk reads."""
