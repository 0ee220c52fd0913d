"""Databases behind one dialect seam: PostgreSQL and MariaDB or MySQL are equal citizens here.

Everything above speaks SQLAlchemy and Arrow; whatever differs between two servers is in this room.
"""
