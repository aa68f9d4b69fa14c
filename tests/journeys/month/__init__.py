"""A month of work, and the same month reckoned a second way.

`hours`, `tables` and `ledger` are that second way: a walk from day to day over a calendar and limits that are written
down here, not read from an organisation file. They use nothing of `services` or `shared`; a test sees to that. `work`
makes the month.
"""
