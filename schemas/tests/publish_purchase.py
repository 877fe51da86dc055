#!/usr/bin/env python3
"""Reports a purchase to tracking with the stock Pulsar client, signed with the key of an external producer.

Prints the command's id and its correlation id, by which its outcome is found on tracking-events. The schema is the
checked-in schemas/avro/tracking-commands.avsc, or the text that the registry has. The secret comes from the variable
PRODUCER_SECRET.

Needs: pip install 'pulsar-client[avro]'
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import uuid

import pulsar
from pulsar.schema import AvroSchema

TOPIC = "tracking-commands"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--service-url", required=True, help="pulsar://127.0.0.1:6650")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--token-file", help="a file with the broker's token, where it asks for one")
    parser.add_argument("--schema-file", required=True, help="schemas/avro/tracking-commands.avsc")
    parser.add_argument("--source", required=True, help="the producer's name")
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--order", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--amount", required=True, help="10.00")
    return parser.parse_args()


def signature(key_id, secret, source, topic, payload):
    """<key id>.<HMAC-SHA-256 over label, source, topic and the exact bytes, as base64url without padding>"""
    signed = f"tributary producer message v1\n{source}\n{topic}\n".encode() + payload
    mac = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"{key_id}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def purchase(args):
    """The envelope: what is null may be left out. Subject and key of a report are tracking's to derive."""
    return {
        "id": str(uuid.uuid4()),
        "type": "tracking.record_event.command.v1",
        "source": args.source,
        "subject": "",
        "key": "",
        "time": datetime.datetime.now(datetime.timezone.utc),
        "correlationid": str(uuid.uuid4()),
        "payload": {
            "record_event_v1": {
                "event_type": "purchase",
                "user_id": args.user,
                "amount": args.amount,
                "order_id": args.order,
                "campaign_id": args.campaign,
            }
        },
    }


def main():
    args = arguments()
    token = None
    if args.token_file:
        with open(args.token_file, encoding="utf-8") as file:
            token = file.read().strip()
    with open(args.schema_file, encoding="utf-8") as file:
        schema = AvroSchema(None, schema_definition=json.load(file))
    client = pulsar.Client(
        args.service_url,
        authentication=pulsar.AuthenticationToken(token) if token else None,
        logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error),
    )
    try:
        topic = f"persistent://{args.tenant}/{args.namespace}/{TOPIC}"
        producer = client.create_producer(topic, schema=schema)
        message = purchase(args)
        # What send() encodes is this, byte for byte: the schema has no maps.
        payload = schema.encode(message)
        mac = signature(args.key_id, os.environ["PRODUCER_SECRET"], args.source, TOPIC, payload)
        properties = {"id": message["id"], "type": message["type"], "source": args.source}
        properties |= {"correlationid": message["correlationid"], "signature": mac}
        producer.send(message, partition_key=args.order, properties=properties)
        print(json.dumps({"id": message["id"], "correlationid": message["correlationid"]}))
    finally:
        client.close()


if __name__ == "__main__":
    main()
