"""`hybrid`: text together with feature columns, by a network or by stacking."""
