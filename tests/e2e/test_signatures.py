# SPDX-License-Identifier: Apache-2.0
"""Signatures as botocore makes them, by header and by query, and how bad ones are refused (issue 2, section 4)."""

import datetime
import json
import re
import time
import urllib.parse
from unittest import mock

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness.aws import Virga

ROOT = ("test", "test")
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def at(minutes):
    """botocore signs as if its clock were off by so much."""
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    return mock.patch.object(
        botocore.auth, "get_current_datetime", lambda *a, **k: when.replace(tzinfo=None)
    )


def signed(
    daemon,
    body=WHO,
    creds=ROOT,
    service="sts",
    headers=None,
    minutes=0,
    path="/",
    method="POST",
    host=None,
):
    url = f"http://{host or f'127.0.0.1:{daemon.port}'}{path}"
    request = AWSRequest(
        method=method,
        url=url,
        data=body,
        headers={"Content-Type": FORM, **(headers or {})},
    )
    with at(minutes):
        botocore.auth.SigV4Auth(Credentials(*creds), service, "us-east-1").add_auth(
            request
        )
    headers = dict(request.prepare().headers)
    headers.pop("Content-Length", None)  # the sender's affair: it is not signed
    return headers


def presigned(daemon, expires=60, minutes=0, creds=ROOT):
    url = f"http://127.0.0.1:{daemon.port}/?{WHO.decode()}"
    request = AWSRequest(method="GET", url=url)
    with at(minutes):
        botocore.auth.SigV4QueryAuth(
            Credentials(*creds), "sts", "us-east-1", expires=expires
        ).add_auth(request)
    return "/?" + request.url.split("?", 1)[1]


def answer(daemon, headers, body=WHO, path="/", method="POST", host=None):
    status, _, text = daemon.request(method, path, body, headers, host=host)
    text = text.decode()
    code = re.search("<Code>(.*?)</Code>", text)
    message = re.search("<Message>(.*?)</Message>", text, re.DOTALL)
    return status, code and code[1], message[1] if message else text


def test_a_signed_form_is_accepted(daemon):
    status, code, text = answer(daemon, signed(daemon))
    assert (status, code) == (200, None) and "arn:aws:iam::000000000000:root" in text


def test_a_signature_covers_the_body(daemon):
    status, code, text = answer(daemon, signed(daemon), body=WHO + b"&x=1")
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert text.startswith(
        "The request signature we calculated does not match the signature you provided."
    )


@pytest.mark.parametrize("minutes", [-16, 16])
def test_the_clock_may_not_be_far_off(daemon, minutes):
    status, code, text = answer(daemon, signed(daemon, minutes=minutes))
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert text.startswith(
        "Signature expired: " if minutes < 0 else "Signature not yet current: "
    )


def test_an_unsigned_request_is_told_so(daemon):
    status, code, text = answer(daemon, {"Content-Type": FORM})
    assert (status, code) == (403, "MissingAuthenticationToken")
    assert text == "Request is missing Authentication Token"


def test_an_unknown_key_is_told_so(daemon):
    status, code, text = answer(daemon, signed(daemon, creds=("AKIANOBODY", "x")))
    assert (status, code) == (403, "InvalidClientTokenId")
    assert text == "The security token included in the request is invalid."


def test_the_scope_must_name_the_service(daemon):
    headers = signed(daemon, body=b"Action=ListUsers&Version=2010-05-08", service="sts")
    status, code, _ = answer(
        daemon, headers, body=b"Action=ListUsers&Version=2010-05-08"
    )
    assert status in (400, 403, 404) and code is not None


def test_json_services_word_it_their_way(daemon):
    body = b"{}"
    more = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "DynamoDB_20120810.ListTables",
    }
    headers = signed(
        daemon, body=body, service="dynamodb", headers=more, creds=("test", "wrong")
    )
    status, _, text = daemon.request("POST", "/", body, headers)
    got = json.loads(text)
    assert status == 400 and got["__type"].endswith("InvalidSignatureException")
    assert "The Canonical String for this request should have been" in got["message"]


def test_a_presigned_url_works_until_it_expires(daemon):
    status, code, text = answer(
        daemon, {}, body=None, path=presigned(daemon), method="GET"
    )
    assert (status, code) == (200, None) and ":root" in text
    late = presigned(daemon, expires=60, minutes=-2)
    status, code, text = answer(daemon, {}, body=None, path=late, method="GET")
    assert (status, code) == (403, "SignatureDoesNotMatch") and text.startswith(
        "Signature expired"
    )
    parts = presigned(daemon).replace("us-east-1", "us-west-2")
    status, code, _ = answer(daemon, {}, body=None, path=parts, method="GET")
    assert (status, code) == (403, "SignatureDoesNotMatch")


def test_an_advance_of_the_clock_ends_presigned_urls_but_no_client(make_daemon):
    daemon = make_daemon()
    url = presigned(daemon, expires=3600)
    assert answer(daemon, {}, body=None, path=url, method="GET")[0] == 200
    time.sleep(
        1.1
    )  # dates have whole seconds: what was signed in the second of a move counts as after it
    Virga(daemon)("clock", "advance", "2h")
    assert (
        answer(daemon, {}, body=None, path=url, method="GET")[1]
        == "SignatureDoesNotMatch"
    )
    assert answer(daemon, signed(daemon))[0] == 200
    assert (
        answer(daemon, {}, body=None, path=presigned(daemon, expires=60), method="GET")[
            0
        ]
        == 200
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_the_default_key_is_not_for_foreign_pages(daemon, headers):
    status, code, text = answer(daemon, signed(daemon) | headers)
    assert (status, code) == (403, "InvalidClientTokenId") and "another site" in text
    ours = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    assert answer(daemon, signed(daemon) | ours)[0] == 200


def test_the_default_key_is_not_for_foreign_hosts(daemon):
    host = f"evil.example:{daemon.port}"
    status, code, text = answer(daemon, signed(daemon, host=host), host=host)
    assert (status, code) == (403, "InvalidClientTokenId") and "host name" in text
    host = f"sts.us-east-1.localhost:{daemon.port}"
    assert answer(daemon, signed(daemon, host=host), host=host)[0] == 200


def test_a_users_key_works_under_any_host(daemon, aws, name):
    who = name("user")
    aws("iam").create_user(UserName=who)
    key = aws("iam").create_access_key(UserName=who)["AccessKey"]
    host = f"virga.example:{daemon.port}"
    headers = signed(
        daemon, creds=(key["AccessKeyId"], key["SecretAccessKey"]), host=host
    )
    status, _, text = answer(daemon, headers, host=host)
    assert status == 200 and f"user/{who}" in text


def test_paths_and_queries_are_signed_as_sent(daemon):
    """A path with percent signs is encoded once more for the signature (all services but S3)."""
    path = "/2015-03-31/functions/" + urllib.parse.quote("no such:function", safe="")
    headers = signed(
        daemon,
        body=b"",
        service="lambda",
        path=path,
        method="GET",
        headers={"Content-Type": "x"},
    )
    status, _, text = daemon.request("GET", path, None, headers)
    assert b"ignature" not in text and status in (400, 404), text
