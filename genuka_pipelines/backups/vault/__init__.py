"""The keys of owners: kept in every region, and destroyed for good."""
