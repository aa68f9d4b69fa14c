"""What people make of what the checks found: findings, orders, samples, probes."""
