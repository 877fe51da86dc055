"""Prints what a JSON Schema of draft 7 (first argument) has against the document on standard input, a line for each."""

import json
import sys

from jsonschema import Draft7Validator

with open(sys.argv[1], encoding="utf-8") as schema:
    validator = Draft7Validator(json.load(schema))
for error in validator.iter_errors(json.load(sys.stdin)):
    print("/" + "/".join(map(str, error.absolute_path)), error.message[:200].replace("\n", " "))
