"""Exported encoders made smaller and quicker: in 8 bits, or with fewer pieces of vocabulary."""
