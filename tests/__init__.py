"""What every promise is tried against; the folders mirror the rooms."""
