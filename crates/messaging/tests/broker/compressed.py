"""Publishes one compressed message to a topic, as a stock client does that is told to compress.

Arguments: service URL, topic, file with its Avro schema, compression.
"""

import json
import sys

import pulsar
from pulsar.schema import AvroSchema


class Bytes(AvroSchema):
    """What is sent is bytes already."""

    def encode(self, obj):
        return obj


service_url, topic, schema_file, compression = sys.argv[1:]
with open(schema_file, encoding="utf-8") as file:
    schema = Bytes(None, schema_definition=json.load(file))
client = pulsar.Client(service_url, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
producer = client.create_producer(
    topic, schema=schema, compression_type=getattr(pulsar.CompressionType, compression)
)
producer.send(b"a" * 10_000)
client.close()
