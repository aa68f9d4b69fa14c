"""`python -m services`: all four in one process."""

from services.cli import main

if __name__ == "__main__":
    main()
