"""MySQL and MariaDB behind the dialect seam: their spellings, and their bulk reads."""
