"""The rhythm: one small file per schedule or sensor. All times are Europe/Paris, none between 02:00 and 03:00."""
