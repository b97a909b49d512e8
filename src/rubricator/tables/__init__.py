"""Tables as people have them: CSV, TSV, JSONL, Parquet and Excel, read row by row and written."""
