"""A store in a bucket, over the S3 protocol."""
