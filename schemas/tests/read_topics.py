#!/usr/bin/env python3
"""Reads topics with the stock Pulsar client, knowing nothing but the schemas that the broker has registered.

Prints one JSON line per message and ends at the last one that is there: topic, partition, key, properties and the
message under its names on the wire, without nulls, times in microseconds, bytes as a list of numbers: as
schemas::to_json prints it.

Needs: pip install 'pulsar-client[avro]'
"""

import argparse
import datetime
import json
import sys
import urllib.parse
import urllib.request

import pulsar
from pulsar.schema import AvroSchema

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--service-url", required=True, help="pulsar://127.0.0.1:6650")
    parser.add_argument("--admin-url", required=True, help="http://127.0.0.1:8080")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--token-file", help="a file with the broker's token, where it asks for one")
    parser.add_argument("--timeout-seconds", type=int, default=30)
    parser.add_argument("topics", nargs="+", metavar="TOPIC", help="campaign-events")
    return parser.parse_args()


def registered_schema(args, token, topic):
    """The text of the topic's newest schema."""
    path = "/".join(urllib.parse.quote(part) for part in (args.tenant, args.namespace, topic))
    request = urllib.request.Request(f"{args.admin_url}/admin/v2/schemas/{path}/schema")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=args.timeout_seconds) as response:
        answer = json.load(response)
    if answer["type"] != "AVRO":
        sys.exit(f"{topic}: its schema is of type {answer['type']}, not AVRO")
    return json.loads(answer["data"])


def plain(value):
    """A value as JSON has it; fields that are null are left out."""
    if isinstance(value, dict):
        return {name: plain(field) for name, field in value.items() if field is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // MICROSECOND
    return value


def read(client, args, topic, schema):
    for partition, name in enumerate(client.get_topic_partitions(topic)):
        # A reader's subscription is not durable: it needs no right to make one and leaves nothing behind.
        reader = client.create_reader(name, pulsar.MessageId.earliest, schema=schema)
        while reader.has_message_available():
            message = reader.read_next(timeout_millis=args.timeout_seconds * 1000)
            line = {
                "topic": topic.rsplit("/", 1)[-1],
                "partition": partition,
                "key": message.partition_key(),
                "properties": message.properties(),
                "message": plain(message.value()),
            }
            print(json.dumps(line, sort_keys=True), flush=True)
        reader.close()


def main():
    args = arguments()
    token = None
    if args.token_file:
        with open(args.token_file, encoding="utf-8") as file:
            token = file.read().strip()
    client = pulsar.Client(
        args.service_url,
        authentication=pulsar.AuthenticationToken(token) if token else None,
        operation_timeout_seconds=args.timeout_seconds,
        logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
    )
    try:
        for topic in args.topics:
            schema = AvroSchema(None, schema_definition=registered_schema(args, token, topic))
            read(client, args, f"persistent://{args.tenant}/{args.namespace}/{topic}", schema)
    finally:
        client.close()


if __name__ == "__main__":
    main()
