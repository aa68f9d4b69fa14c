"""Backup and restore of an embedded installation (decision 27)."""
