// SPDX-License-Identifier: Apache-2.0
// S3 as applications use it: streams, an upload in parts, presigned addresses. {"bucket", "bytes"} -> what was seen.

import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
  waitUntilObjectExists,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const { bucket: Bucket, bytes } = JSON.parse(process.argv[2]);
const s3 = new S3Client({ requestStreamBufferSize: 65536 });
const md5 = (data) => createHash("md5").update(data).digest("hex");
const big = Buffer.alloc(bytes, "0123456789abcdef-");
const seen = {};

async function whole(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

// a stream of unknown length goes up in parts, several at once
const upload = new Upload({
  client: s3,
  params: { Bucket, Key: "dir/big", Body: Readable.from([big]), ContentType: "text/x", Metadata: { who: "me" } },
  queueSize: 3,
  partSize: 5 * 1024 * 1024,
});
seen.etag = (await upload.done()).ETag;
const got = await s3.send(new GetObjectCommand({ Bucket, Key: "dir/big" }));
seen.isSame = md5(await whole(got.Body)) === md5(big);
seen.type = got.ContentType;
const range = await s3.send(new GetObjectCommand({ Bucket, Key: "dir/big", Range: "bytes=5242870-5242890" }));
seen.isRangeSame = (await range.Body.transformToString()) === big.subarray(5242870, 5242891).toString();

// the SDK's default checksum, in a trailer where the body is a stream
await s3.send(new PutObjectCommand({ Bucket, Key: "small ü", Body: "hello" }));
const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "small ü", ChecksumMode: "ENABLED" }));
seen.crc32 = head.ChecksumCRC32;
await s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body: Readable.from(["he", "llo"]), ContentLength: 5 }));
seen.stream = await (await s3.send(new GetObjectCommand({ Bucket, Key: "stream" }))).Body.transformToString();
await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("small ü")}` }));
await waitUntilObjectExists({ client: s3, maxWaitTime: 10 }, { Bucket, Key: "copy" });

const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "a=b c+d", Metadata: { who: "me" } }), { expiresIn: 60 });
seen.putStatus = (await fetch(put, { method: "PUT", body: "signed" })).status;
const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "a=b c+d" }), { expiresIn: 60 });
seen.signed = await (await fetch(get)).text();
seen.signedBy = (await s3.send(new HeadObjectCommand({ Bucket, Key: "a=b c+d" }))).Metadata.who;

seen.keys = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket }))
  seen.keys.push(...page.Contents.map((o) => o.Key));
try {
  await s3.send(new GetObjectCommand({ Bucket, Key: "none" }));
} catch (e) {
  seen.error = e.name;
}
const Objects = seen.keys.map((Key) => ({ Key }));
seen.deleted = (await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted.length;
seen.left = (await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount;
console.log(JSON.stringify(seen));
