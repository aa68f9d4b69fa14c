"""`python -m bench NAME --json`: every speed beside a reference measured in the same run (DESIGN.md section 9)."""
