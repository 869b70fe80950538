// SPDX-License-Identifier: Apache-2.0
// Notes over DynamoDB, by the JavaScript SDK v3: what runs here runs on AWS unchanged.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";

const LANGUAGE = "nodejs";
const TableName = process.env.TABLE;
const db = DynamoDBDocumentClient.from(new DynamoDBClient({}));

const reply = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const handler = async (event, context) => {
  const id = event.pathParameters?.id;
  if (event.requestContext.http.method === "POST") {
    // API Gateway hands types that are not text over in base64.
    const body = Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8").toString();
    const Item = { language: LANGUAGE, id: context.awsRequestId, text: JSON.parse(body).text };
    await db.send(new PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
    console.log(`kept note ${Item.id}`);
    return reply(201, Item);
  }
  if (id) {
    const { Item } = await db.send(
      new GetCommand({ TableName, Key: { language: LANGUAGE, id }, ConsistentRead: true }),
    );
    return Item ? reply(200, Item) : reply(404, { message: "no such note" });
  }
  const { Items } = await db.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: "#l = :l",
      ExpressionAttributeNames: { "#l": "language" },
      ExpressionAttributeValues: { ":l": LANGUAGE },
      ConsistentRead: true,
      Limit: 100,
    }),
  );
  return reply(200, Items);
};
