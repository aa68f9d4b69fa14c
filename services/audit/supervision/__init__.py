"""Supervision by people: findings and their lives, orders, exclusions, samples, probes (mechanisms M15, M32)."""
