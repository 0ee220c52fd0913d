"""What lies in a bucket: objects, their headers, packs and frames. docs/format.md is the same in words."""
