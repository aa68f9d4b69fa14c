"""`throughline topics`: what whoever looks after Kafka does for the services, which may not do it themselves."""

from __future__ import annotations

import asyncio

import typer

from shared.settings import NotTold, Settings

app = typer.Typer(help="The installation's topics in Kafka.", no_args_is_help=True)


@app.command(epilog="Example: THROUGHLINE_KAFKA_SERVERS=kafka:9092 throughline topics create")
def create() -> None:
    """Create the topics that are missing and check all; signed in as who may (THROUGHLINE_KAFKA_USER)."""
    from shared.bus.kafka import Away, Cluster, TopicsDiffer, ensure, table  # noqa: PLC0415  what one machine needs not have

    settings = Settings()
    if not settings.kafka_servers:
        typer.echo("throughline: say where Kafka is: set THROUGHLINE_KAFKA_SERVERS.", err=True)
        raise typer.Exit(2)
    try:
        cluster = Cluster.told(settings)
        asyncio.run(ensure(cluster))
    except (TopicsDiffer, NotTold, Away, OSError) as error:
        typer.echo(f"throughline: the topics are not there: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("There and as they must be: " + ", ".join(topic.name for topic in table(cluster)))


@app.command(
    epilog="Example: throughline topics acl > acls.sh && KAFKA_ACLS='kafka-acls.sh --bootstrap-server kafka:9092"
    " --command-config admin.properties' sh acls.sh"
)
def acl() -> None:
    """Print the commands that let each service do what it must, and only a topic's owner write it."""
    from services.access import front_doors, script  # noqa: PLC0415  what one machine needs not have
    from shared.bus.kafka import Cluster  # noqa: PLC0415

    settings = Settings()
    services = asyncio.run(front_doors())
    typer.echo(script(services, Cluster("", prefix=settings.topic_prefix)), nl=False)
