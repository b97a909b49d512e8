"""From files to texts ready for labelling: read, clean, group duplicates, read golden labels, split."""
