"""Everything that answers what categories a text has."""
