#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the routes to the requests that botocore makes of S3: s3_routes.py DRIVER

Each request of s3.json (s3_requests.py writes it) must find its operation among all of S3's, and the
members that lie in its path.
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Operations that no request can reach, each with the one found instead, and why.
HIDDEN = {
    "GetBucketLifecycle": ("GetBucketLifecycleConfiguration", "deprecated: the same request"),
    "GetBucketNotification": ("GetBucketNotificationConfiguration", "deprecated: the same request"),
    "PutBucketLifecycle": ("PutBucketLifecycleConfiguration", "deprecated: the same request"),
    "PutBucketNotification": ("PutBucketNotificationConfiguration", "deprecated: the same request"),
    "ListDirectoryBuckets": ("ListBuckets", "the same request to another host"),
}

# What no client library sends, but people and other clients do:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
MORE = [
    ("GET", "/", {}, "ListBuckets", {}),
    ("GET", "/b", {}, "ListObjects", {"Bucket": "b"}),
    ("GET", "/b/", {}, "ListObjects", {"Bucket": "b"}),
    ("PUT", "/b/", {}, "CreateBucket", {"Bucket": "b"}),
    ("GET", "/b/?list-type=2&prefix=a%2Fb", {}, "ListObjectsV2", {"Bucket": "b"}),
    ("GET", "/b?prefix=x&list-type=2&x-id=ListObjectsV2", {}, "ListObjectsV2", {"Bucket": "b"}),
    ("GET", "/b?prefix=acl", {}, "ListObjects", {"Bucket": "b"}),
    ("GET", "/b/?acl=", {}, "GetBucketAcl", {"Bucket": "b"}),
    ("POST", "/b/?delete=", {}, "DeleteObjects", {"Bucket": "b"}),
    ("GET", "/b//", {}, "GetObject", {"Bucket": "b", "Key": "/"}),
    ("PUT", "/b//", {}, "PutObject", {"Bucket": "b", "Key": "/"}),
    ("PUT", "/b/k/?x-id=PutObject", {}, "PutObject", {"Bucket": "b", "Key": "k/"}),
    ("GET", "/b/%2F", {}, "GetObject", {"Bucket": "b", "Key": "/"}),
    ("GET", "/b/..%2f..%2Fetc/passwd", {}, "GetObject", {"Bucket": "b", "Key": "../../etc/passwd"}),
    ("GET", "/b/../../etc/passwd", {}, "GetObject", {"Bucket": "b", "Key": "../../etc/passwd"}),
    ("GET", "/b/k?versionId=1&partNumber=2", {}, "GetObject", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k?uploadId=1", {}, "ListParts", {"Bucket": "b", "Key": "k"}),
    ("GET", "/b/k?part-number-marker=3&uploadId=1", {}, "ListParts", {"Bucket": "b", "Key": "k"}),
    # half of what UploadPart needs is its error, never an object
    ("PUT", "/b/k?uploadId=1", {}, "UploadPart", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k?partNumber=1", {}, "UploadPart", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k", {"X-Amz-Copy-Source": "/b/l"}, "CopyObject", {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k?partNumber=1&uploadId=1", {"X-Amz-Copy-Source": "/b/l"}, "UploadPartCopy",
     {"Bucket": "b", "Key": "k"}),
    ("PUT", "/b/k?tagging", {"x-amz-copy-source": "/b/l"}, "PutObjectTagging",
     {"Bucket": "b", "Key": "k"}),
    ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations", {"Bucket": "b"}),
    ("GET", "/b?analytics&id=1", {}, "GetBucketAnalyticsConfiguration", {"Bucket": "b"}),
    ("HEAD", "/b/", {}, "HeadBucket", {"Bucket": "b"}),
    ("HEAD", "/b/k", {}, "HeadObject", {"Bucket": "b", "Key": "k"}),
    ("POST", "/b/k?select&select-type=2", {}, "SelectObjectContent", {"Bucket": "b", "Key": "k"}),
    ("POST", "/b/k?select", {}, "CompleteMultipartUpload", {"Bucket": "b", "Key": "k"}),
    ("PATCH", "/b/k", {}, "", {}),
    ("POST", "/b", {}, "", {}),
]


def main():
    rows = [(r["method"], r["target"], r["headers"], r["op"], r["labels"])
            for r in json.loads((HERE / "s3.json").read_text(encoding="utf-8"))]
    lines = ""
    for method, target, headers, _, _ in rows + MORE:
        path, _, query = target.partition("?")
        lines += json.dumps({"do": "route", "method": method, "path": path, "query": query,
                             "headers": [[k, v] for k, v in headers.items()]}) + "\n"
    got = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True)
    replies = [json.loads(line) for line in got.stdout.split("\x1e")[:-1]]
    failed = 0
    for (method, target, _, op, labels), reply in zip(rows + MORE, replies, strict=True):
        want = HIDDEN.get(op, (op,))[0]
        if reply["name"] != want or reply["labels"] != labels:
            failed += 1
            print(f"FAIL {method} {target[:200]}\n     want {want} {labels}\n     got {reply}")
    model = json.loads((HERE.parents[2] / "models" / "s3.json").read_text(encoding="utf-8"))
    for op in sorted(set(model["operations"]) - {r[3] for r in rows}):
        failed += 1
        print(f"FAIL {op}: s3.json has no request of it; run s3_requests.py")
    print(f"{len(replies) - failed} of {len(replies)} requests found their operation")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
