# SPDX-License-Identifier: Apache-2.0
"""A writer of S3 objects that knows what it was promised: of each key the SHA-256 of what may be there."""

import base64
import hashlib
import re

from workers import Worker

BUCKET = "crash"
KEYS = 12
SIZES = (0, 100, 8192, 8193, 70_000, 300_000)  # up to 8,192 bytes lie in the store, more in a file of their own
PART_MIN = 5 << 20  # but of the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def path_of(key):
    return f"/{BUCKET}/{key}"


class Refused(Exception):
    """What S3 answers when it cannot: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


def ask(raw, *request, **extra):
    """(status, headers, body) of what was done or is not there."""
    answer = raw.s3(*request, **extra)
    status, _, body = answer
    # Completions and copies may answer 200 and fail in their body.
    failed = b"<Error>" in body and re.search(b"<Code>(.*?)</Code>", body).group(1)
    if failed in (b"InternalError", b"ServiceUnavailable"):
        raise Refused(f"{request[:3]}: {status} {body[:300]}")
    if status not in (200, 204, 404) or failed not in (False, b"NoSuchKey"):
        raise AssertionError(f"{request[:3]}: {status} {body[:300]}")
    return answer


def read(raw, key):
    status, _, body = ask(raw, "GET", path_of(key))
    return sha256(body) if status == 200 else None


def listed(raw):
    """All keys of the bucket."""
    keys, query = [], "list-type=2&max-keys=20"
    while True:
        text = ask(raw, "GET", f"/{BUCKET}", query)[2].decode()
        keys += re.findall("<Key>(.*?)</Key>", text)
        if "<IsTruncated>true" not in text:
            return keys
        query = f"list-type=2&max-keys=20&start-after={keys[-1]}"


def uploads(raw):
    text = ask(raw, "GET", f"/{BUCKET}", "uploads=")[2].decode()
    return set(re.findall("<UploadId>(.*?)</UploadId>", text))


class Objects(Worker):
    """Puts small and large, overwrites, copies, uploads in parts, deletes one and many."""

    def __init__(self, name, seed, port, keys, under_way, may_be_refused=False):
        super().__init__(name, seed, port)
        self.keys = keys
        self.may_be_refused, self.refused = may_be_refused, 0
        self.under_way = under_way  # {upload id: it certainly is there}

    def promised(self, wanted, *request, **extra):
        """The answer of a request after which each key of `wanted` has that hash."""
        for key, value in wanted.items():
            self.keys.tried(key, value)
        answer = ask(self.raw, *request, **extra)
        assert answer[0] != 404, answer
        for key, value in wanted.items():
            self.keys.done(key, value)
        self.acknowledged += 1
        return answer

    def settled(self, key):
        may_be = self.keys.now(key)
        if len(may_be) > 1:
            found = read(self.raw, key)
            if found not in may_be:
                raise AssertionError(f"{key} is {found}, not one of {may_be}")
            self.keys.done(key, found)
        return next(iter(self.keys.now(key)))

    def step(self):
        try:
            self.one()
        except Refused:
            self.refused += 1
            if not self.may_be_refused:
                raise

    def one(self):
        key = f"{self.name}-{self.random.randrange(KEYS)}"
        self.settled(key)
        kind = self.random.random()
        if kind < 0.45:
            body = self.random.randbytes(self.random.choice(SIZES))
            extra = {"x_amz_content_sha256": "UNSIGNED-PAYLOAD"} if self.random.random() < 0.5 else {}
            self.promised({key: sha256(body)}, "PUT", path_of(key), "", body, **extra)
        elif kind < 0.65:
            self.copy(key)
        elif kind < 0.8:
            self.upload(key)
        elif kind < 0.95:
            self.promised({key: None}, "DELETE", path_of(key))
        else:
            self.delete_some()

    def copy(self, key):
        source = f"{self.name}-{self.random.randrange(KEYS)}"
        value = self.settled(source)
        if value is not None and source != key:
            self.promised({key: value}, "PUT", path_of(key), x_amz_copy_source=path_of(source))

    def delete_some(self):
        keys = [f"{self.name}-{i}" for i in self.random.sample(range(KEYS), 4)]
        body = f"<Delete>{''.join(f'<Object><Key>{k}</Key></Object>' for k in keys)}</Delete>".encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        self.promised(dict.fromkeys(keys), "POST", f"/{BUCKET}", "delete=", body, content_md5=digest)

    def upload(self, key):
        """In one part or two; a tenth are left under way or aborted."""
        answer = self.promised({}, "POST", path_of(key), "uploads=")
        upload = re.search("<UploadId>(.*?)</UploadId>", answer[2].decode()).group(1)
        self.under_way[upload] = True
        bodies = [self.random.randbytes(self.random.choice(SIZES[1:]))]
        if self.random.random() < 0.1:
            bodies.insert(0, self.random.randbytes(1 << 10) * (PART_MIN >> 10))
        parts = []
        for number, body in enumerate(bodies, 1):
            query = f"partNumber={number}&uploadId={upload}"
            _, headers, _ = self.promised({}, "PUT", path_of(key), query, body)
            parts.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['ETag']}</ETag></Part>")
        fate = self.random.random()
        if fate < 0.05:
            return
        self.under_way[upload] = False  # from now on it may be gone
        if fate < 0.1:
            self.promised({}, "DELETE", path_of(key), f"uploadId={upload}")
        else:
            body = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()
            whole = {key: sha256(b"".join(bodies))}
            self.promised(whole, "POST", path_of(key), f"uploadId={upload}", body)
        del self.under_way[upload]


def check(raw, keys, under_way):
    """What there is against what may be; what is found becomes what is certain. Returns what is wrong."""
    names = listed(raw)
    found = {key: read(raw, key) for key in names}
    wrong = [f"{k}: found {found.get(k)}, may be {v}" for k, v in keys.may_be.items() if found.get(k) not in v]
    wrong += [f"never written: {k}" for k in names if k not in keys.may_be]
    wrong += [f"listed and not there: {k}" for k, v in found.items() if v is None]
    for key in keys.may_be:
        keys.done(key, found.get(key))
    there = uploads(raw)
    wrong += [f"upload {u} is lost" for u, is_certain in under_way.items() if is_certain and u not in there]
    # One may have begun whose answer did not come.
    under_way.clear()
    under_way.update(dict.fromkeys(there, True))
    return wrong
