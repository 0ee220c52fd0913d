"""The envelope of an archive, in the open `age` format: whom it is for, and how it opens."""
