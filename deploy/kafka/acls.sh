#!/bin/sh
# Who may do what with Kafka's topics; made by `throughline topics acl` from what the services say, and safe to repeat.
# KAFKA_ACLS is the command with the way to the brokers, signed in as one who may change this, such as
#   "kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties"
set -euf
: "${KAFKA_ACLS:?say how kafka-acls.sh is called, as this script explains}"
$KAFKA_ACLS --add --allow-principal User:intake --allow-principal User:routing --allow-principal User:notify --allow-principal User:audit --operation Describe --operation DescribeConfigs --topic inbound --topic messages --topic messages.dead --topic cases --topic cases.dead --topic rounds --topic rounds.dead --topic organisation --topic organisation.dead --topic deliveries --topic deliveries.dead --topic publications --topic publications.dead --topic findings --topic findings.dead
$KAFKA_ACLS --add --allow-principal User:intake --operation Write --topic messages --topic cases.dead
$KAFKA_ACLS --add --allow-principal User:intake --operation Read --topic cases
$KAFKA_ACLS --add --allow-principal User:intake --operation Read --operation Delete --topic inbound
$KAFKA_ACLS --add --allow-principal User:intake --operation Read --group intake --group intake.inbound
$KAFKA_ACLS --add --allow-principal User:routing --operation Write --topic cases --topic organisation --topic cases.dead --topic findings.dead --topic messages.dead --topic organisation.dead
$KAFKA_ACLS --add --allow-principal User:routing --operation Read --topic cases --topic findings --topic messages --topic organisation
$KAFKA_ACLS --add --allow-principal User:routing --operation Read --group routing
$KAFKA_ACLS --add --allow-principal User:notify --operation Write --topic deliveries --topic cases.dead --topic messages.dead --topic organisation.dead
$KAFKA_ACLS --add --allow-principal User:notify --operation Read --topic cases --topic messages --topic organisation
$KAFKA_ACLS --add --allow-principal User:notify --operation Read --group notify
$KAFKA_ACLS --add --allow-principal User:audit --operation Write --topic findings --topic cases.dead
$KAFKA_ACLS --add --allow-principal User:audit --operation Read --topic messages --topic cases --topic rounds --topic organisation --topic deliveries --topic publications --topic findings
$KAFKA_ACLS --add --allow-principal User:audit --operation Read --group audit
