"""Sending files to a Throughline: each thing in them handed over, retried while the door is shut, counted."""
