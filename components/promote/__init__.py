"""Bring a candidate into production, or an older version back."""
