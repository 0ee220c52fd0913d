"""A region: what lies in it, what is brought there, looked at, mended, signed for and ended."""
