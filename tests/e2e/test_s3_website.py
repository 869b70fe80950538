# SPDX-License-Identifier: Apache-2.0
"""Static websites: their configuration, and their endpoints of their own.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/IndexDocumentSupport.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/CustomErrorDocSupport.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html

Pages and refusals are those of S3 in LocalStack's snapshots of its answers
(tests/aws/services/s3/test_s3.snapshot.json: TestS3StaticWebsiteHosting, test_validate_website_configuration).
"""

import json

import pytest
from harness.refused import refused

INDEX = {"IndexDocument": {"Suffix": "index.html"}}


@pytest.fixture
def site(s3, bucket, daemon):
    """site(path) asks the website of a bucket that lets everybody read (and not list): status, headers, body."""
    s3.delete_public_access_block(Bucket=bucket)
    allow(s3, bucket, ("s3:GetObject", "/*"))

    def ask(path, method="GET", host=f"{bucket}.s3-website.us-east-1.localhost", **headers):
        return daemon.request(method, path, headers={n.replace("_", "-"): v for n, v in headers.items()}, host=host)

    return ask


def allow(s3, bucket, *what):
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}{behind}"}
        for action, behind in what
    ]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


def configure(s3, bucket, **conf):
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={**INDEX, **conf})


def put(s3, bucket, *keys, **more):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=f"<{key}>", ContentType="text/html", **more)


def page(status, reason, *items, again=()):
    """What S3 writes, but for the request's id."""
    lines = [f"<head><title>{status} {reason}</title></head>", "<body>", f"<h1>{status} {reason}</h1>", "<ul>"]
    lines += [f"<li>{i}</li>" for i in items] + ["</ul>"]
    if again:
        lines += ["<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>", "<ul>"]
        lines += [f"<li>{i}</li>" for i in again] + ["</ul>"]
    return "\n".join(["<html>", *lines, "<hr/>", "</body>", "</html>", ""])


def shown(text):
    return "\n".join(line for line in text.decode().split("\n") if not line.startswith("<li>RequestId:"))


# --- the configuration


def test_configurations_are_kept(s3, bucket):
    refused("NoSuchWebsiteConfiguration", s3.get_bucket_website, Bucket=bucket)
    conf = {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [
            {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": ""}},
            {
                "Condition": {"HttpErrorCodeReturnedEquals": "404"},
                "Redirect": {"HostName": "h", "Protocol": "https", "HttpRedirectCode": "302", "ReplaceKeyWith": "k"},
            },
            {"Redirect": {"HostName": "h"}},
        ],
    }
    for one in (conf, {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=one)
        got = s3.get_bucket_website(Bucket=bucket)
        del got["ResponseMetadata"]
        assert got == one
    for _ in range(2):
        s3.delete_bucket_website(Bucket=bucket)
    refused("NoSuchWebsiteConfiguration", s3.get_bucket_website, Bucket=bucket)


ALL = {"HostName": "h"}


@pytest.mark.parametrize(
    ("conf", "code", "message"),
    [
        ({}, "InvalidArgument", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"),
        ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        (
            {**INDEX, "RedirectAllRequestsTo": ALL},
            "InvalidArgument",
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        ),
        ({"RedirectAllRequestsTo": {**ALL, "Protocol": "ftp"}}, "InvalidRequest", "Invalid protocol, protocol can be"),
        ({**INDEX, "RoutingRules": []}, "MalformedXML", "The XML you provided was not well-formed"),
        ({**INDEX, "RoutingRules": [{"Redirect": ALL}] * 51}, "InvalidRequest", "51 routing rules provided, the number"),
        (
            {**INDEX, "RoutingRules": [{"Condition": {}, "Redirect": ALL}]},
            "InvalidRequest",
            "Condition cannot be empty.",
        ),
        (
            {**INDEX, "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}]},
            "InvalidRequest",
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ),
        (
            {**INDEX, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "300"}}]},
            "InvalidRequest",
            "The provided HTTP redirect code (300) is not valid. Valid codes are 3XX except 300.",
        ),
        (
            {
                **INDEX,
                "RoutingRules": [{"Condition": {"HttpErrorCodeReturnedEquals": "302"}, "Redirect": ALL}],
            },
            "InvalidRequest",
            "The provided HTTP error code (302) is not valid. Valid codes are 4XX or 5XX.",
        ),
    ],
)
def test_configurations_that_cannot_be(s3, bucket, conf, code, message):
    said = refused(code, s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=conf).message
    assert said.startswith(message)


# --- documents


def test_documents_are_served(s3, bucket, site):
    configure(s3, bucket)
    put(s3, bucket, "index.html", "a/index.html", "a b/ä.html", "plain")
    for path, key in (
        ("/", "index.html"),
        ("/index.html", "index.html"),
        ("/a/", "a/index.html"),
        ("/a%20b/%C3%A4.html?x=y&response-content-type=a/b&versionId=z", "a b/ä.html"),
        ("/plain", "plain"),
    ):
        status, headers, text = site(path)
        assert (status, text.decode(), headers["Content-Type"]) == (200, f"<{key}>", "text/html"), path
    status, headers, text = site("/", method="HEAD")
    assert (status, headers["Content-Length"], text) == (200, "12", b"")
    for host in (f"{bucket}.s3-website-eu-west-1.localhost", f"{bucket}.s3-website.eu-west-1.amazonaws.com"):
        assert site("/", host=host)[0] == 200


def test_large_documents_stream(s3, bucket, site):
    configure(s3, bucket)
    data = bytes(range(256)) * 20000
    s3.put_object(Bucket=bucket, Key="large", Body=data)
    assert site("/large")[2] == data


def test_conditions_and_ranges(s3, bucket, site):
    configure(s3, bucket)
    put(s3, bucket, "k")
    etag = site("/k")[1]["ETag"]
    assert site("/k", Range="bytes=1-1")[::2] == (206, b"k")
    status, headers, text = site("/k", If_None_Match=etag)
    assert (status, headers["ETag"], text) == (304, etag, b"")
    assert site("/k", If_None_Match='"x"')[0] == 200
    assert site("/k", method="HEAD", If_None_Match=etag)[0] == 304
    status, _, text = site("/k", If_Match='"x"')
    assert status == 412 and b"<li>Code: PreconditionFailed</li>" in text
    assert site("/k", Range="bytes=9-")[0] == 416
    assert site("/k", If_Modified_Since=headers["Last-Modified"])[0] == 304


def test_folders_without_their_slash(s3, bucket, site):
    configure(s3, bucket)
    put(s3, bucket, "d/index.html", "both", "both/index.html", "x y/index.html")
    status, headers, text = site("/d")
    assert (status, headers["Location"]) == (302, "/d/")
    assert shown(text) == page(302, "Found", "Code: Found", "Message: Resource Found")
    assert site("/x%20y")[1]["Location"] == "/x%20y/"
    assert site("/both")[::2] == (200, b"<both>")
    assert site("/none")[0] == 403


# --- errors


def test_pages_of_errors(s3, bucket, site, name):
    no_site = ["Code: NoSuchWebsiteConfiguration", "Message: The specified bucket does not have a website configuration"]
    status, headers, text = site("/")
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert shown(text) == page(404, "Not Found", *no_site, f"BucketName: {bucket}")
    missing = name("none")
    status, _, text = site("/", host=f"{missing}.s3-website.us-east-1.localhost")
    told = ["Code: NoSuchBucket", "Message: The specified bucket does not exist", f"BucketName: {missing}"]
    assert (status, shown(text)) == (404, page(404, "Not Found", *told))
    configure(s3, bucket)
    # "the website endpoint responds with a 403 Forbidden" where nobody may list either
    status, headers, text = site("/no<ne>")
    denied = page(403, "Forbidden", "Code: AccessDenied", "Message: Access Denied")
    assert (status, shown(text), headers["x-amz-error-code"]) == (403, denied, "AccessDenied")
    allow(s3, bucket, ("s3:GetObject", "/*"), ("s3:ListBucket", ""))
    status, headers, text = site("/no%3Cne%3E")
    told = ["Code: NoSuchKey", "Message: The specified key does not exist.", "Key: no&lt;ne&gt;"]
    assert (status, shown(text)) == (404, page(404, "Not Found", *told))
    assert headers["x-amz-error-code"] == "NoSuchKey"
    status, headers, text = site("/none", method="HEAD")
    assert (status, text, headers["x-amz-error-detail-Key"]) == (404, b"", "none")
    for method in ("POST", "PUT", "DELETE"):
        status, headers, text = site("/index.html", method=method)
        told = [
            "Code: MethodNotAllowed",
            "Message: The specified method is not allowed against this resource.",
            f"Method: {method}",
            "ResourceType: OBJECT",
        ]
        assert (status, shown(text)) == (405, page(405, "Method Not Allowed", *told))


def cors_of(headers):
    return {n.lower(): v for n, v in headers.items() if n.lower().startswith("access-control-")}


def test_pages_of_other_origins(s3, bucket, site):
    """When S3 receives a preflight it "evaluates the CORS configuration for the bucket":
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html"""
    configure(s3, bucket, ErrorDocument={"Key": "error.html"})
    put(s3, bucket, "index.html", "error.html", "font")
    put(s3, bucket, "moved", WebsiteRedirectLocation="/font")
    home, asked = {"Origin": "https://a.example"}, {"Access_Control_Request_Method": "GET"}
    status, headers, text = site("/font", method="OPTIONS", **home, **asked)
    told = ["Code: AccessForbidden", "Message: CORSResponse: CORS is not enabled for this bucket.", "Method: GET"]
    assert (status, shown(text)) == (403, page(403, "Forbidden", *told, "ResourceType: BUCKET"))
    assert cors_of(site("/font", **home)[1]) == {}

    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example"], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    allowed = {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "GET",
        "access-control-expose-headers": "ETag",
        "access-control-allow-credentials": "true",
    }
    status, headers, text = site("/font", method="OPTIONS", **home, **asked)
    assert (status, text, cors_of(headers)) == (200, b"", allowed)
    assert headers["Vary"] == "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    assert "Content-Type" not in headers
    # as of the bucket itself, on errors and redirections too
    for path, status in (("/font", 200), ("/", 200), ("/none", 403), ("/moved", 301)):
        got = site(path, **home)
        assert (got[0], cors_of(got[1])) == (status, allowed), path
    for headers in ({}, {"Origin": "https://a.test"}):
        assert cors_of(site("/font", **headers)[1]) == {}
    status, headers, text = site("/font", method="OPTIONS", Origin="https://a.test", **asked)
    assert (status, cors_of(headers)) == (403, {})
    assert "Message: CORSResponse: This CORS request is not allowed." in text.decode()
    status, _, text = site("/font", method="OPTIONS")
    told = ["Code: BadRequest", "Message: Insufficient information. Origin request header needed."]
    assert (status, shown(text)) == (400, page(400, "Bad Request", *told))


def test_custom_error_documents(s3, bucket, site):
    allow(s3, bucket, ("s3:GetObject", "/*"), ("s3:ListBucket", ""))
    configure(s3, bucket, ErrorDocument={"Key": "oh/error.html"})
    status, _, text = site("/none")
    of_key = ["Code: NoSuchKey", "Message: The specified key does not exist."]
    told = page(404, "Not Found", *of_key, "Key: none", again=[*of_key, "Key: oh/error.html"])
    assert (status, shown(text)) == (404, told)
    put(s3, bucket, "oh/error.html")
    status, headers, text = site("/none", Range="bytes=0-0", If_None_Match="*")
    assert (status, text, headers["Content-Type"]) == (404, b"<oh/error.html>", "text/html")
    assert headers["x-amz-error-code"] == "NoSuchKey"
    allow(s3, bucket, ("s3:GetObject", "/oh/*"))
    assert site("/none")[::2] == (403, b"<oh/error.html>")
    assert site("/none", method="HEAD")[::2] == (403, b"")


def test_requests_are_nobodys_whatever_they_sign(s3, bucket, site):
    configure(s3, bucket)
    put(s3, bucket, "k")
    s3.delete_bucket_policy(Bucket=bucket)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert site("/k?" + url.split("?")[1])[0] == 403
    assert site("/k", Authorization="AWS4-HMAC-SHA256 Credential=test/x, SignedHeaders=host, Signature=0")[0] == 403


def test_lists_of_grants_open_objects_too(s3, bucket, site):
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.delete_bucket_policy(Bucket=bucket)
    configure(s3, bucket)
    put(s3, bucket, "open", ACL="public-read")
    put(s3, bucket, "shut")
    assert [site(p)[0] for p in ("/open", "/shut")] == [200, 403]


# --- redirections


def test_all_requests_are_redirected(s3, bucket, site):
    for to, want in (({"HostName": "h.example"}, "http"), ({"HostName": "h.example", "Protocol": "https"}, "https")):
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"RedirectAllRequestsTo": to})
        status, headers, text = site("/a%20b?c=d")
        assert (status, headers["Location"], text) == (301, f"{want}://h.example/a%20b?c=d", b"")


def test_objects_lead_elsewhere(s3, bucket, site):
    configure(s3, bucket, ErrorDocument={"Key": "moved"})
    put(s3, bucket, "moved", WebsiteRedirectLocation="/new?x=y")
    put(s3, bucket, "away", WebsiteRedirectLocation="https://example.com/")
    for method in ("GET", "HEAD"):
        status, headers, text = site("/moved", method=method)
        assert (status, headers["Location"], text) == (301, "/new?x=y", b"")
    assert site("/away")[1]["Location"] == "https://example.com/"
    assert site("/none")[0] == 301
    # it acts on the website only
    got = s3.get_object(Bucket=bucket, Key="moved")
    assert (got["Body"].read(), got["WebsiteRedirectLocation"]) == (b"<moved>", "/new?x=y")


def test_routing_rules(s3, bucket, site):
    allow(s3, bucket, ("s3:GetObject", "/*"), ("s3:ListBucket", ""))
    put(s3, bucket, "docs/x", "coded/there", "index.html")
    rules = [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
        {"Condition": {"KeyPrefixEquals": "img/"}, "Redirect": {"ReplaceKeyWith": "gone.html?q"}},
        {
            "Condition": {"KeyPrefixEquals": "coded/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "h.example", "ReplaceKeyPrefixWith": "#!/", "HttpRedirectCode": "307"},
        },
        {"Condition": {"KeyPrefixEquals": "coded/t"}, "Redirect": {"HostName": "late.example"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"Protocol": "https"}},
    ]
    configure(s3, bucket, RoutingRules=rules, ErrorDocument={"Key": "index.html"})
    own = f"{bucket}.s3-website.us-east-1.localhost"
    for path, status, location in (
        ("/docs/x%20y", 301, f"http://{own}/documents/x%20y"),
        ("/img/a.png?x", 301, f"http://{own}/gone.html?q"),
        ("/coded/none", 307, "http://h.example/#!/none"),
        ("/coded/there", 301, "http://late.example/coded/there"),
        ("/none?a=b", 301, f"https://{own}/none?a=b"),
    ):
        got, headers, text = site(path)
        assert (got, headers["Location"], text) == (status, location, b""), path
    assert site("/")[0] == 200
