# SPDX-License-Identifier: Apache-2.0
"""Notes over DynamoDB, by boto3: what runs here runs on AWS unchanged."""

import base64
import json
import os

import boto3
from boto3.dynamodb.conditions import Key

LANGUAGE = "python"
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def reply(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


def handler(event, context):
    method = event["requestContext"]["http"]["method"]
    note_id = (event.get("pathParameters") or {}).get("id")
    if method == "POST":
        body = event["body"]
        if event["isBase64Encoded"]:  # so does API Gateway with types that are not text
            body = base64.b64decode(body)
        text = json.loads(body)["text"]
        note = {"language": LANGUAGE, "id": context.aws_request_id, "text": text}
        table.put_item(Item=note, ConditionExpression="attribute_not_exists(id)")
        print(f"kept note {note['id']}")
        return reply(201, note)
    if note_id:
        note = table.get_item(Key={"language": LANGUAGE, "id": note_id}, ConsistentRead=True).get("Item")
        return reply(200, note) if note else reply(404, {"message": "no such note"})
    found = table.query(KeyConditionExpression=Key("language").eq(LANGUAGE), ConsistentRead=True, Limit=100)
    return reply(200, found["Items"])
