# SPDX-License-Identifier: Apache-2.0
"""A small, fast AWS client for load: one kept connection, SigV4 by hand, no retries.

A call gives (status, answer), or raises Cut where the connection broke: then nobody can say whether it was done.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse

TARGETS = {"dynamodb": ("DynamoDB_20120810", "1.0"), "logs": ("Logs_20140328", "1.1")}


def bare(daemon, method, target, host="127.0.0.1", headers=None, body=None):
    """One request as it is: no client normalizes its path or adds a header. Gives status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", int(daemon.address.rsplit(":", 1)[1]), timeout=30)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        for field, value in (headers or {}).items():
            connection.putheader(field, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Cut(Exception):
    pass


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Raw:
    def __init__(self, port, access_key="test", secret_key="test", region="us-east-1", timeout=30):
        self.port, self.region, self.timeout = port, region, timeout
        self.access_key, self.secret_key = access_key, secret_key
        self.connection = None
        self.keys = {}

    def key(self, day, service):
        if (day, service) not in self.keys:
            key = ("AWS4" + self.secret_key).encode()
            for part in (day, self.region, service, "aws4_request"):
                key = sign(key, part)
            self.keys[day, service] = key
        return self.keys[day, service]

    def headers(self, service, method, path, body, extra, query=""):
        """All of `extra` and host and date are signed. https://docs.aws.amazon.com/IAM/latest/UserGuide/

        `query` is as the signature has it: encoded and in order. With x-amz-content-sha256 that is the payload's hash.
        """
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        fields = {"host": f"127.0.0.1:{self.port}", "x-amz-date": stamp, **extra}
        names = sorted(fields)
        signed = ";".join(names)
        payload = extra.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
        canonical = "\n".join([method, path, query, *(f"{n}:{fields[n]}" for n in names), "", signed, payload])
        scope = f"{stamp[:8]}/{self.region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = sign(self.key(stamp[:8], service), text).hex()
        fields["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        )
        return fields

    def send(self, service, method, path, body, extra):
        status, _, answer = self.exchange(method, path, body, self.headers(service, method, path, body, extra))
        return status, answer

    def exchange(self, method, target, body, fields):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            self.connection.request(method, target, body=body, headers=fields)
            response = self.connection.getresponse()
            return response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException) as e:
            self.close()
            raise Cut(str(e)) from None

    def json(self, service, operation, value):
        """An aws-json operation."""
        prefix, version = TARGETS[service]
        extra = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{prefix}.{operation}"}
        status, body = self.send(service, "POST", "/", json.dumps(value).encode(), extra)
        return status, json.loads(body or b"{}")

    def query(self, service, version, operation, **members):
        """A query operation; the answer stays XML."""
        body = urllib.parse.urlencode({"Action": operation, "Version": version, **members}).encode()
        extra = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.send(service, "POST", "/", body, extra)

    def s3(self, method, path, query="", body=b"", **extra):
        """(status, headers, body) of a request in path style; `extra` are headers, with _ for -."""
        fields = {k.replace("_", "-"): v for k, v in extra.items()}
        fields.setdefault("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
        fields = self.headers("s3", method, path, body, fields, query)
        return self.exchange(method, f"{path}?{query}" if query else path, body, fields)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
