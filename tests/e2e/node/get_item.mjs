// SPDX-License-Identifier: Apache-2.0
// One item by the document client: {"table", "key"} -> the item.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";

const { table, key } = JSON.parse(process.argv[2]);
const db = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const { Item } = await db.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }));
console.log(JSON.stringify(Item ?? null));
