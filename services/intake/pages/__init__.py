"""Pages of intake: write to us, and what a person must look at."""
