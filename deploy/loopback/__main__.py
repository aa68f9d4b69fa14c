"""`make cluster`: the servers on loopback until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys

from deploy.loopback import Missing, NotStarted, kafka, mongo
from deploy.loopback.fetch import cache


async def main() -> None:
    """Start both on the data of the cache folder, say where they are, and wait for Ctrl-C or SIGTERM."""
    told = asyncio.Event()
    for how in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(how, told.set)
    async with kafka(cache() / "data" / "kafka") as broker, mongo(cache() / "data" / "mongo") as store:
        for server in (broker, store):
            sys.stdout.write(
                f"{server.name}: {server.address}" + (f", log {server.log}\n" if server.log else "\n")
            )
        sys.stdout.write("Ctrl-C stops both; what they hold stays.\n")
        sys.stdout.flush()
        await told.wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Missing, NotStarted) as error:
        sys.exit(f"The cluster's servers do not run here. {error}")
