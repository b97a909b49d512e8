"""Texts as points: projected, coloured by what is known of them, as a page, as PNG and PDF."""
