"""Supervision checks over made-up histories: how many of what they should see they see, and what else (mechanism M15).

What is made up here imports nothing of the checks: it is written from the words of the trade.
"""
