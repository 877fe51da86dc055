"""Verifies webhooks that were received, one a line, with the public library: webhooks.py FILE SECRET WRONG_SECRET."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

file, secret, wrong = sys.argv[1:]
verified = 0
with open(file, encoding="utf-8") as lines:
    for line in lines:
        received = json.loads(line)
        event = Webhook(secret).verify(received["body"], received["headers"])
        assert isinstance(event["type"], str), event
        try:
            Webhook(wrong).verify(received["body"], received["headers"])
        except WebhookVerificationError:
            verified += 1
        else:
            raise SystemExit("another secret verifies it")
print(verified)
