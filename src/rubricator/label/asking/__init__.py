"""Asking teachers: what is asked, within which limits, and what that will take."""
