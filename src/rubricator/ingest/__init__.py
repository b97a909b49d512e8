"""From files to texts: read, cleaned, grouped by duplicates, with golden labels, split into parts."""
