# SPDX-License-Identifier: Apache-2.0
"""HTTP APIs: the management API, and execute-api (API Gateway developer guide)."""

import base64
import http.client
import http.server
import io
import json
import threading
import time
import zipfile

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from harness.daemon import wait_until

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:nothing"


def code_of(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    error = e.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def apis(aws):
    return aws("apigatewayv2")


@pytest.fixture
def api(apis, name):
    made = apis.create_api(Name=name("api"), ProtocolType="HTTP")["ApiId"]
    yield made
    try:
        apis.delete_api(ApiId=made)
    except apis.exceptions.NotFoundException:
        pass


class Gateway:
    """One API called by host; gateway.path(…) gives the path form."""

    def __init__(self, daemon, api):
        self.daemon, self.api = daemon, api
        self.host = f"{api}.execute-api.us-east-1.localhost:{daemon.port}"

    def __call__(self, method, path, body=None, headers=None):
        return self.daemon.request(
            method, path, body=body, headers=headers, host=self.host, timeout=60
        )

    def path(self, method, stage, path, form="/_virga/execute-api/{}/{}{}", **more):
        return self.daemon.request(
            method, form.format(self.api, stage, path), timeout=60, **more
        )


def error_of(answer):
    status, _, body = answer
    return status, json.loads(body)["message"]


# -- the management API ---------------------------------------------------------------------------


def test_an_api_round_trips(apis, name):
    cors = {
        "AllowOrigins": ["https://a.example"],
        "AllowMethods": ["GET"],
        "MaxAge": 60,
        "AllowCredentials": True,
    }
    made = apis.create_api(
        Name=name("api"),
        ProtocolType="HTTP",
        Description="d",
        Version="1",
        CorsConfiguration=cors,
        Tags={"k": "v"},
    )
    found = apis.get_api(ApiId=made["ApiId"])
    for key in (
        "Name",
        "Description",
        "Version",
        "CorsConfiguration",
        "Tags",
        "ApiEndpoint",
        "CreatedDate",
    ):
        assert found[key] == made[key]
    assert made["CorsConfiguration"] == cors
    assert ".execute-api.us-east-1.localhost:" in made["ApiEndpoint"]
    assert apis.update_api(ApiId=made["ApiId"], Name="other")["Name"] == "other"
    apis.delete_cors_configuration(ApiId=made["ApiId"])
    assert "CorsConfiguration" not in apis.get_api(ApiId=made["ApiId"])
    arn = f"arn:aws:apigateway:us-east-1::/apis/{made['ApiId']}"
    apis.tag_resource(ResourceArn=arn, Tags={"z": ""})
    apis.untag_resource(ResourceArn=arn, TagKeys=["k"])
    assert apis.get_tags(ResourceArn=arn)["Tags"] == {"z": ""}
    apis.delete_api(ApiId=made["ApiId"])
    assert code_of(apis.get_api, ApiId=made["ApiId"]) == (
        "NotFoundException",
        f"Invalid API identifier specified {ACCOUNT}:{made['ApiId']}",
    )


def test_lists_come_in_pages(apis, api):
    made = {"routes": [], "integrations": [], "stages": [], "deployments": []}
    ids = {
        "routes": "RouteId",
        "integrations": "IntegrationId",
        "stages": "StageName",
        "deployments": "DeploymentId",
    }
    for i in range(5):
        part = apis.create_route(ApiId=api, RouteKey=f"GET /{i}")
        made["routes"].append(part["RouteId"])
        part = apis.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=FUNCTION,
            PayloadFormatVersion="2.0",
        )
        made["integrations"].append(part["IntegrationId"])
        made["stages"].append(
            apis.create_stage(ApiId=api, StageName=f"s{i}")["StageName"]
        )
        made["deployments"].append(apis.create_deployment(ApiId=api)["DeploymentId"])
    for what, member in ids.items():
        call, found, token = getattr(apis, "get_" + what), [], {}
        while True:
            page = call(ApiId=api, MaxResults="2", **token)
            assert len(page["Items"]) <= 2
            found += [r[member] for r in page["Items"]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert sorted(found) == sorted(made[what]), what
        for wrong in ({"MaxResults": "0"}, {"NextToken": "%"}):
            assert code_of(call, ApiId=api, **wrong)[0] == "BadRequestException"
        assert code_of(call, ApiId="none")[0] == "NotFoundException"


def test_routes_are_checked(apis, api):
    apis.create_route(ApiId=api, RouteKey="GET /a/{id}")
    assert code_of(apis.create_route, ApiId=api, RouteKey="GET /a/{id}") == (
        "ConflictException",
        "Route with key GET /a/{id} already exists for this API",
    )
    for key in ("GET a", "get /a", "GET /a/", "GET /{p+}/b", "/a"):
        assert (
            code_of(apis.create_route, ApiId=api, RouteKey=key)[0]
            == "BadRequestException"
        )
    assert code_of(
        apis.create_route, ApiId=api, RouteKey="GET /b", Target="integrations/none"
    )[0] == ("BadRequestException")


def test_an_integration_in_use_stays(apis, api):
    made = apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=FUNCTION,
        PayloadFormatVersion="2.0",
    )
    route = apis.create_route(
        ApiId=api, RouteKey="$default", Target="integrations/" + made["IntegrationId"]
    )
    assert (
        code_of(
            apis.delete_integration, ApiId=api, IntegrationId=made["IntegrationId"]
        )[0]
        == "ConflictException"
    )
    apis.delete_route(ApiId=api, RouteId=route["RouteId"])
    apis.delete_integration(ApiId=api, IntegrationId=made["IntegrationId"])


def test_what_is_not_built_is_refused(apis, api):
    def refused(call, **arguments):
        assert code_of(call, **arguments)[0] in (
            "BadRequestException",
            "NotImplementedException",
        ), arguments

    refused(
        apis.create_api,
        Name="w",
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression="$request.body.action",
    )
    refused(
        apis.create_route,
        ApiId=api,
        RouteKey="GET /x",
        AuthorizationType="JWT",
        AuthorizerId="a",
    )
    refused(
        apis.create_route, ApiId=api, RouteKey="GET /x", AuthorizationType="CUSTOM"
    )
    refused(
        apis.create_route,
        ApiId=api,
        RouteKey="GET /x",
        AuthorizationType="AWS_IAM",
        AuthorizerId="a",
    )
    refused(apis.create_route, ApiId=api, RouteKey="GET /x", ApiKeyRequired=True)
    refused(
        apis.create_authorizer,
        ApiId=api,
        AuthorizerType="JWT",
        IdentitySource=["$request.header.a"],
        Name="n",
    )
    refused(
        apis.create_integration,
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="SQS-SendMessage",
        PayloadFormatVersion="1.0",
    )
    refused(
        apis.create_integration,
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        ConnectionType="VPC_LINK",
        ConnectionId="x",
        IntegrationMethod="GET",
        IntegrationUri="http://a.example",
    )
    refused(
        apis.create_stage,
        ApiId=api,
        StageName="s",
        DefaultRouteSettings={"DetailedMetricsEnabled": True},
    )
    assert apis.get_routes(ApiId=api)["Items"] == []


def test_quick_create_makes_all_of_it(apis, name):
    made = apis.create_api(Name=name("api"), ProtocolType="HTTP", Target=FUNCTION)[
        "ApiId"
    ]
    route = apis.get_routes(ApiId=made)["Items"][0]
    integration = apis.get_integrations(ApiId=made)["Items"][0]
    stage = apis.get_stages(ApiId=made)["Items"][0]
    assert (
        route["RouteKey"] == "$default"
        and route["Target"] == "integrations/" + integration["IntegrationId"]
    )
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == (
        "AWS_PROXY",
        "2.0",
    )
    assert (
        stage["StageName"] == "$default"
        and stage["AutoDeploy"]
        and stage["ApiGatewayManaged"]
    )
    apis.delete_api(ApiId=made)


def test_users_need_permission_by_verb_and_path(aws, apis, api, name):
    iam, user = aws("iam"), name("user")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    mine = aws("apigatewayv2", creds=(key["AccessKeyId"], key["SecretAccessKey"]))
    try:
        code, text = code_of(mine.get_api, ApiId=api)
        assert code == "AccessDeniedException" and "apigateway:GET" in text, (
            code,
            text,
        )
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "apigateway:GET",
                    "Resource": f"arn:aws:apigateway:us-east-1::/apis/{api}*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
                }
            ],
        }
        iam.put_user_policy(
            UserName=user, PolicyName="p", PolicyDocument=json.dumps(policy)
        )
        assert code_of(mine.get_api, ApiId=api)[0] == "AccessDeniedException"
        apis.tag_resource(
            ResourceArn=f"arn:aws:apigateway:us-east-1::/apis/{api}", Tags={"team": "a"}
        )
        assert mine.get_api(ApiId=api)["ApiId"] == api
        assert mine.get_routes(ApiId=api)["Items"] == []
        assert code_of(mine.delete_api, ApiId=api)[0] == "AccessDeniedException"
    finally:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        try:
            iam.delete_user_policy(UserName=user, PolicyName="p")
        except iam.exceptions.NoSuchEntityException:
            pass
        iam.delete_user(UserName=user)


def test_apis_are_of_one_region(aws, apis, api):
    other = aws("apigatewayv2", region="eu-west-1")
    assert code_of(other.get_api, ApiId=api)[0] == "NotFoundException"
    assert api not in [a["ApiId"] for a in other.get_apis()["Items"]]


# -- execute-api, without functions -----------------------------------------------------------------


@pytest.fixture
def backend():
    """An HTTP server that answers with what it was sent."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("content-length") or 0)
            said = {
                "method": self.command,
                "target": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": self.rfile.read(length).decode(),
            }
            if length > 1 << 20:
                said["body"] = length
            if "/slow" in self.path:
                time.sleep(2)
            text = json.dumps(said).encode()
            self.send_response(404 if "/missing" in self.path else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = answer

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def proxy(apis, api, uri, key="ANY /{proxy+}", **more):
    integration = apis.create_integration(
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=uri,
        **more,
    )
    apis.create_route(
        ApiId=api, RouteKey=key, Target="integrations/" + integration["IntegrationId"]
    )
    return integration["IntegrationId"]


def test_urls_are_called(daemon, apis, api, backend):
    proxy(apis, api, backend + "/base/{proxy}?fixed=1")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    status, headers, body = gateway(
        "POST",
        "/a/b%20c?x=1&x=2",
        body="hello",
        headers={"Content-Type": "text/plain", "X-Own": "v"},
    )
    said = json.loads(body)
    assert (status, said["method"], said["target"]) == (
        200,
        "POST",
        "/base/a/b%20c?fixed=1&x=1&x=2",
    )
    assert said["body"] == "hello"
    assert said["headers"]["host"] == backend.removeprefix("http://")
    assert said["headers"]["x-own"] == "v"
    assert said["headers"]["via"] == "HTTP/1.1 AmazonAPIGateway"
    assert "for=127.0.0.1" in said["headers"]["forwarded"]
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert headers["apigw-requestid"]


def test_path_variables_reach_urls_as_they_came(daemon, apis, api, backend):
    """Else %3F would begin a query, and %2e%2e%2f would leave the place the URI names."""
    proxy(apis, api, backend + "/base/{proxy}?fixed=1")
    proxy(apis, api, backend + "/one/{id}/end", key="GET /one/{id}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)

    def target(path):
        status, _, body = gateway("GET", path)
        assert status == 200
        return json.loads(body)["target"]

    assert target("/a%3Fb%23c/d%25e%2525") == "/base/a%3Fb%23c/d%25e%2525?fixed=1"
    assert target("/a%2F..%2f%2e%2e%2Fx?q=1") == "/base/a%2F..%2f%2e%2e%2Fx?fixed=1&q=1"
    assert target("/one/a%2Fb%C3%A9") == "/one/a%2Fb%C3%A9/end"


def test_timeouts_have_bounds(apis, api):
    """ "Custom timeout between 50 and 30,000 milliseconds for HTTP APIs … the default timeout is 30 seconds" """
    given = {
        "ApiId": api,
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": FUNCTION,
        "PayloadFormatVersion": "2.0",
    }
    made = apis.create_integration(**given)
    assert made["TimeoutInMillis"] == 30000
    wrong = {"TimeoutInMillis": 30001}  # botocore itself refuses 49
    code, _ = code_of(apis.create_integration, **wrong, **given)
    assert code == "BadRequestException"
    wrong["IntegrationId"] = made["IntegrationId"]
    code, _ = code_of(apis.update_integration, ApiId=api, **wrong)
    assert code == "BadRequestException"
    for right in (50, 30000):
        made = apis.create_integration(TimeoutInMillis=right, **given)
        assert made["TimeoutInMillis"] == right


def test_stage_variables_choose_the_url(daemon, apis, api, backend):
    place = backend.removeprefix("http://")
    proxy(apis, api, "http://${stageVariables.place}/${stageVariables.part}/{proxy}")
    for stage, part in (("a", "one"), ("b", "two")):
        apis.create_stage(
            ApiId=api,
            StageName=stage,
            AutoDeploy=True,
            StageVariables={"place": place, "part": part},
        )
    gateway = Gateway(daemon, api)
    assert json.loads(gateway("GET", "/a/x")[2])["target"] == "/one/x"
    assert json.loads(gateway("GET", "/b/x")[2])["target"] == "/two/x"
    apis.update_stage(ApiId=api, StageName="b", StageVariables={"part": "three"})
    assert json.loads(gateway("GET", "/b/x")[2])["target"] == "/three/x"
    apis.update_stage(ApiId=api, StageName="b", StageVariables={"place": ""})
    assert error_of(gateway("GET", "/b/x")) == (500, "Internal Server Error")


def test_stages_have_quotas(apis, api, aws, name):
    """ "Quotas for configuring and running an HTTP API": 100 variables, keys of 64, values of 512, formats of 3 KB."""

    def make(**settings):
        return apis.create_stage(ApiId=api, StageName=name("s"), **settings)

    def refused(**settings):
        code, _ = code_of(
            apis.create_stage, ApiId=api, StageName=name("s"), **settings
        )
        assert code == "BadRequestException", settings

    many = {f"v{i}": "x" for i in range(100)}
    tags = {f"t{i}": "x" for i in range(50)}
    make(Tags=tags)
    refused(Tags={**tags, "more": "x"})
    refused(Tags={"aws:mine": "x"})
    made = make(StageVariables=many)["StageName"]
    refused(StageVariables={**many, "more": "x"})
    code, _ = code_of(
        apis.update_stage, ApiId=api, StageName=made, StageVariables={"more": "x"}
    )
    assert code == "BadRequestException"
    apis.update_stage(ApiId=api, StageName=made, StageVariables={"v0": "", "more": "x"})
    make(StageVariables={"k" * 64: "v" * 512})
    refused(StageVariables={"k" * 65: "v"})
    refused(StageVariables={"k": "v" * 513})
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name('g')}"
    layout = "$context.requestId "
    longest = layout + "x" * (3 * 1024 - len(layout))
    make(AccessLogSettings={"DestinationArn": arn, "Format": longest})
    refused(AccessLogSettings={"DestinationArn": arn, "Format": longest + "x"})


def test_methods_are_the_clients(daemon, apis, api, backend):
    """HEAD is not GET, OPTIONS without CORS is a method like others, and $default takes what is left."""
    target = "integrations/" + proxy(apis, api, backend, key="GET /x")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    for method in ("HEAD", "OPTIONS", "POST"):
        assert gateway(method, "/x")[0] == 404
    apis.create_route(ApiId=api, RouteKey="$default", Target=target)
    for method in ("HEAD", "OPTIONS", "POST"):
        assert gateway(method, "/x")[0] == 200
    status, headers, body = gateway("HEAD", "/x")
    assert (status, body) == (200, b"") and int(headers["content-length"]) > 0
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    status, _, body = gateway("OPTIONS", "/any/where", headers=asked)
    assert (status, json.loads(body)["method"]) == (200, "OPTIONS")
    # "For the OPTIONS method, your request must contain an origin header and an Access-Control-Request-Method header"
    apis.update_api(ApiId=api, CorsConfiguration={"AllowOrigins": ["*"]})
    assert gateway("OPTIONS", "/x", headers=asked)[0] == 204
    for part in asked:
        answer = gateway("OPTIONS", "/x", headers={part: asked[part]})
        assert (answer[0], json.loads(answer[2])["method"]) == (200, "OPTIONS")


def test_parameters_are_mapped(daemon, apis, api, backend):
    proxy(
        apis,
        api,
        backend,
        key="GET /pets/{id}",
        RequestParameters={
            "overwrite:path": "/animals/${request.path.id}",
            "append:header.x-request": "$context.requestId",
            "overwrite:querystring.stage": "$context.stage",
        },
        ResponseParameters={
            "200": {
                "overwrite:statuscode": "203",
                "append:header.x-more": "$context.routeKey",
            }
        },
    )
    apis.create_stage(ApiId=api, StageName="dev", AutoDeploy=True)
    status, headers, body = Gateway(daemon, api)("GET", "/dev/pets/7")
    said = json.loads(body)
    assert said["target"] == "/animals/7?stage=dev"
    assert said["headers"]["x-request"] == headers["apigw-requestid"]
    assert (status, headers["x-more"]) == (203, "GET /pets/{id}")
    code, _ = code_of(
        apis.create_integration,
        ApiId=api,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="GET",
        IntegrationUri=backend,
        RequestParameters={"overwrite:header.authorization": "x"},
    )
    assert code == "BadRequestException"


def test_a_url_that_does_not_answer(daemon, apis, api, backend):
    proxy(apis, api, backend + "/slow", TimeoutInMillis=200)
    proxy(apis, api, "http://127.0.0.1:9/", key="GET /refused")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    assert error_of(gateway("GET", "/x")) == (503, "Service Unavailable")
    assert error_of(gateway("GET", "/refused")) == (503, "Service Unavailable")


def test_a_stage_serves_its_deployment(daemon, apis, api, backend):
    proxy(apis, api, backend, key="GET /one")
    deployment = apis.create_deployment(ApiId=api)["DeploymentId"]
    apis.create_stage(ApiId=api, StageName="fixed", DeploymentId=deployment)
    apis.create_stage(ApiId=api, StageName="auto", AutoDeploy=True)
    proxy(apis, api, backend, key="GET /two")
    gateway = Gateway(daemon, api)
    assert (
        gateway("GET", "/fixed/one")[0] == 200 and gateway("GET", "/auto/two")[0] == 200
    )
    assert error_of(gateway("GET", "/fixed/two")) == (404, "Not Found")
    assert (
        code_of(apis.delete_deployment, ApiId=api, DeploymentId=deployment)[0]
        == "BadRequestException"
    )
    assert (
        code_of(
            apis.update_stage, ApiId=api, StageName="auto", DeploymentId=deployment
        )[0]
        == "BadRequestException"
    )
    apis.create_deployment(ApiId=api, StageName="fixed")
    assert gateway("GET", "/fixed/two")[0] == 200
    apis.delete_deployment(ApiId=api, DeploymentId=deployment)


def test_an_update_is_served_once_it_has_answered(daemon, apis, api, backend):
    """On every loop, while others ask: no request falls between two deployments."""
    proxy(apis, api, backend + "/0", key="GET /0")
    targets = [
        "integrations/" + proxy(apis, api, f"{backend}/{i}", key=f"GET /only{i}")
        for i in (1, 2)
    ]
    route = apis.create_route(ApiId=api, RouteKey="GET /x", Target=targets[0])
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    done, wrong = threading.Event(), []

    def ask():
        while not done.is_set():
            status, _, body = gateway("GET", "/x")
            if status != 200:
                wrong.append((status, body))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for turn in range(12):
            which = (turn + 1) % 2
            apis.update_route(
                ApiId=api, RouteId=route["RouteId"], Target=targets[which]
            )
            for _ in range(4):  # each on a connection of its own
                body = json.loads(gateway("GET", "/x")[2])
                assert body["target"] == f"/{which + 1}"
    finally:
        done.set()
        for asker in askers:
            asker.join()
    assert wrong == []
    apis.update_route(ApiId=api, RouteId=route["RouteId"], RouteKey="GET /y")
    assert gateway("GET", "/x")[0] == 404 and gateway("GET", "/y")[0] == 200


def test_stages_are_found_by_path_and_all_forms_agree(daemon, apis, api, backend):
    proxy(apis, api, backend)
    gateway = Gateway(daemon, api)
    assert error_of(gateway("GET", "/x")) == (404, "Not Found")  # no stage yet
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    assert gateway("GET", "/x")[0] == 200
    assert gateway.path("GET", "$default", "/x")[0] == 200
    assert gateway.path("GET", "%24default", "/x")[0] == 200
    assert (
        gateway.path("GET", "$default", "/x", form="/restapis/{}/{}/_user_request_{}")[
            0
        ]
        == 200
    )
    assert error_of(gateway.path("GET", "other", "/x")) == (404, "Not Found")
    assert (
        daemon.request("GET", "/x", host=f"{api}.execute-api.us-east-1.amazonaws.com")[
            0
        ]
        == 200
    )
    other = f"{api}.execute-api.eu-west-1.localhost"
    assert daemon.request("GET", "/x", host=other)[0] == 404
    apis.update_api(ApiId=api, DisableExecuteApiEndpoint=True)
    assert error_of(gateway("GET", "/x")) == (404, "Not Found")


def test_a_bearer_token_is_the_apis_own(daemon, apis, api, backend):
    proxy(apis, api, backend)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    status, _, body = Gateway(daemon, api)(
        "GET", "/x", headers={"Authorization": "Bearer abc"}
    )
    assert (
        status == 200 and json.loads(body)["headers"]["authorization"] == "Bearer abc"
    )


ROOT = ("test", "test")
IAM = {"AuthorizationType": "AWS_IAM"}
FORBIDDEN = (403, "Forbidden")


def signed(
    gateway,
    method,
    path,
    key=ROOT,
    body=b"",
    service="execute-api",
    region="us-east-1",
    signer=SigV4Auth,
):
    """The headers and the path of a request as botocore signs it."""
    request = AWSRequest(method, f"http://{gateway.host}{path}", data=body)
    signer(Credentials(*key), service, region).add_auth(request)
    return dict(request.headers), request.url.removeprefix(f"http://{gateway.host}")


def ask_signed(gateway, method, path, body=b"", **more):
    headers, path = signed(gateway, method, path, body=body, **more)
    return gateway(method, path, body=body, headers=headers)


def iam_route(apis, api, backend, key="ANY /{proxy+}"):
    """A route that wants a signature, and an open one, on the $default stage."""
    target = "integrations/" + proxy(apis, api, backend, key="ANY /open")
    made = apis.create_route(ApiId=api, RouteKey=key, Target=target, **IAM)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return made["RouteId"]


def test_iam_routes_want_a_signature(daemon, apis, api, backend):
    route = iam_route(apis, api, backend)
    assert apis.get_route(ApiId=api, RouteId=route)["AuthorizationType"] == "AWS_IAM"
    gateway = Gateway(daemon, api)
    assert ask_signed(gateway, "GET", "/x?b=2&a=%20")[0] == 200
    assert ask_signed(gateway, "POST", "/x", body=b"hello")[0] == 200
    assert ask_signed(gateway, "GET", "/x", signer=SigV4QueryAuth)[0] == 200

    assert error_of(gateway("GET", "/x")) == FORBIDDEN
    bearer = {"Authorization": "Bearer abc"}
    assert error_of(gateway("GET", "/x", headers=bearer)) == FORBIDDEN
    for wrong in (
        {"key": ("test", "wrong")},
        {"key": ("AKIANOBODYNOBODY0000", "test")},
        {"service": "lambda"},
        {"region": "eu-west-1"},
    ):
        assert error_of(ask_signed(gateway, "GET", "/x", **wrong)) == FORBIDDEN, wrong
    headers, _ = signed(gateway, "POST", "/x", body=b"hello")
    answer = gateway("POST", "/x", body=b"other", headers=headers)
    assert error_of(answer) == FORBIDDEN
    answer = gateway("POST", "/y", body=b"hello", headers=headers)
    assert error_of(answer) == FORBIDDEN
    broken = {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    assert error_of(gateway("GET", "/x", headers=broken)) == FORBIDDEN

    # a route without it does not look at the header
    for theirs in (bearer, broken, signed(gateway, "GET", "/", service="s3")[0]):
        status, _, body = gateway("GET", "/open", headers=theirs)
        assert status == 200
        sent = json.loads(body)["headers"]["authorization"]
        assert sent == theirs["Authorization"]

    apis.update_route(ApiId=api, RouteId=route, AuthorizationType="NONE")
    assert gateway("GET", "/x")[0] == 200
    apis.update_route(ApiId=api, RouteId=route, **IAM)
    assert error_of(gateway("GET", "/x")) == FORBIDDEN


def test_iam_routes_and_cors_and_sizes(daemon, apis, api, backend):
    """A preflight carries no signature, and a refusal can be read by the page that asked."""
    iam_route(apis, api, backend)
    gateway = Gateway(daemon, api)
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    assert error_of(gateway("OPTIONS", "/x", headers=ask)) == FORBIDDEN
    apis.update_api(
        ApiId=api,
        CorsConfiguration={
            "AllowOrigins": ["https://a.example"],
            "AllowMethods": ["GET"],
        },
    )
    assert gateway("OPTIONS", "/x", headers=ask)[0] == 204
    answer = gateway("GET", "/x", headers={"Origin": "https://a.example"})
    assert error_of(answer) == FORBIDDEN
    assert answer[1]["access-control-allow-origin"] == "https://a.example"
    answer = ask_signed(gateway, "POST", "/x", body=bytes(10 * 1024 * 1024 + 1))
    assert error_of(answer) == (413, "Request Entity Too Large")


def test_iam_routes_ask_for_permission(daemon, aws, apis, api, backend, name):
    iam, user = aws("iam"), name("user")
    iam_route(apis, api, backend)
    gateway = Gateway(daemon, api)
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])
    arn = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}"

    def rule(effect, resource, action="execute-api:Invoke"):
        return {"Effect": effect, "Action": action, "Resource": resource}

    def may(*rules):
        document = {"Version": "2012-10-17", "Statement": list(rules)}
        iam.put_user_policy(
            UserName=user, PolicyName="p", PolicyDocument=json.dumps(document)
        )

    def status(method, path):
        return ask_signed(gateway, method, path, key=key)[0]

    try:
        assert error_of(ask_signed(gateway, "GET", "/x", key=key)) == FORBIDDEN
        may(rule("Allow", f"{arn}/$default/GET/a/*"))
        assert (status("GET", "/a/b%20c"), status("GET", "/a/b/c")) == (200, 200)
        assert (status("POST", "/a/b"), status("GET", "/x")) == (403, 403)
        may(rule("Allow", f"{arn}/$default/*", action="lambda:InvokeFunction"))
        assert status("GET", "/a/b") == 403
        may(rule("Allow", f"{arn}/other/*"))
        assert status("GET", "/a/b") == 403
        may(rule("Allow", f"{arn}/*"), rule("Deny", f"{arn}/*/*/admin"))
        assert (status("GET", "/x"), status("GET", "/admin")) == (200, 403)
        assert status("GET", "/%61dmin") == 403
    finally:
        iam.delete_access_key(UserName=user, AccessKeyId=key[0])
        iam.delete_user_policy(UserName=user, PolicyName="p")
        iam.delete_user(UserName=user)


def test_a_role_session_calls_an_iam_route(daemon, aws, apis, api, backend, name):
    iam, role = aws("iam"), name("role")
    iam_route(apis, api, backend)
    gateway = Gateway(daemon, api)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ACCOUNT},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    made = aws("sts").assume_role(RoleArn=arn["Role"]["Arn"], RoleSessionName="me")
    made = made["Credentials"]
    key = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    try:
        assert error_of(ask_signed(gateway, "GET", "/x", key=key)) == FORBIDDEN
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "execute-api:*", "Resource": "*"}
            ],
        }
        iam.put_role_policy(
            RoleName=role, PolicyName="p", PolicyDocument=json.dumps(policy)
        )
        assert ask_signed(gateway, "GET", "/x", key=key)[0] == 200
        stale = key[:2]
        assert error_of(ask_signed(gateway, "GET", "/x", key=stale)) == FORBIDDEN
        iam.delete_role_policy(RoleName=role, PolicyName="p")
    finally:
        iam.delete_role(RoleName=role)


def test_cors(daemon, apis, api, backend):
    proxy(apis, api, backend)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    apis.update_api(
        ApiId=api,
        CorsConfiguration={
            "AllowOrigins": ["https://a.example"],
            "AllowMethods": ["GET", "POST"],
            "AllowHeaders": ["x-own"],
            "ExposeHeaders": ["x-more"],
            "MaxAge": 300,
        },
    )
    gateway = Gateway(daemon, api)
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    status, headers, body = gateway("OPTIONS", "/x", headers=ask)
    assert (status, body) == (204, b"")
    assert headers["access-control-allow-origin"] == "https://a.example"
    assert headers["access-control-allow-methods"] == "GET,POST"
    assert headers["access-control-allow-headers"] == "x-own"
    assert headers["access-control-max-age"] == "300"
    status, headers, _ = gateway(
        "OPTIONS", "/x", headers={**ask, "Origin": "https://b.example"}
    )
    assert status == 204 and headers["access-control-allow-origin"] is None
    _, headers, _ = gateway("GET", "/x", headers={"Origin": "https://a.example"})
    assert headers["access-control-allow-origin"] == "https://a.example"
    assert headers["access-control-expose-headers"] == "x-more"
    code, _ = code_of(
        apis.update_api,
        ApiId=api,
        CorsConfiguration={"AllowOrigins": ["*"], "AllowCredentials": True},
    )
    assert code == "BadRequestException"


def test_stages_throttle(daemon, apis, api, backend):
    proxy(apis, api, backend)
    apis.create_stage(
        ApiId=api,
        StageName="$default",
        AutoDeploy=True,
        DefaultRouteSettings={"ThrottlingBurstLimit": 3, "ThrottlingRateLimit": 0.01},
    )
    gateway = Gateway(daemon, api)
    assert [gateway("GET", "/x")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert error_of(gateway("GET", "/x")) == (429, "Too Many Requests")


def test_access_is_logged(daemon, aws, apis, api, backend, name):
    logs, group = aws("logs"), "/access/" + name("g")
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    logs.create_log_group(logGroupName=group)
    proxy(apis, api, backend)
    layout = '{"id":"$context.requestId","status":$context.status,"route":"$context.routeKey"}'
    apis.create_stage(
        ApiId=api,
        StageName="$default",
        AutoDeploy=True,
        AccessLogSettings={"DestinationArn": arn, "Format": layout},
    )
    _, headers, _ = Gateway(daemon, api)("GET", "/x")

    def lines():
        return [
            json.loads(e["message"])
            for e in logs.filter_log_events(logGroupName=group)["events"]
        ]

    assert wait_until(lambda: len(lines()) == 1, 5)
    assert lines() == [
        {"id": headers["apigw-requestid"], "status": 200, "route": "ANY /{proxy+}"}
    ]
    logs.delete_log_group(logGroupName=group)


def test_bodies_have_a_limit(daemon, apis, api, backend):
    proxy(apis, api, backend)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    answer = Gateway(daemon, api).path(
        "POST", "$default", "/x", headers={"Content-Length": str(10 * 1024 * 1024 + 1)}
    )
    assert error_of(answer) == (413, "Request Entity Too Large")
    most = bytes(10 * 1024 * 1024).replace(b"\0", b"a")
    status, _, body = Gateway(daemon, api)("POST", "/x", body=most)
    assert (status, json.loads(body)["body"]) == (200, len(most))


# -- execute-api, with a function ---------------------------------------------------------------------

SOURCE = """
import json, time

def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/plain"):
        return {"hello": "world"}
    if path.endswith("/text"):
        return "just text"
    if path.endswith("/binary"):
        return {"statusCode": 201, "isBase64Encoded": True, "body": "AAEC/w==",
                "headers": {"Content-Type": "application/octet-stream"}, "cookies": ["a=1", "b=2"]}
    if path.endswith("/boom"):
        raise ValueError("no")
    if path.endswith("/malformed"):
        return {"statusCode": 200, "body": {"not": "text"}}
    if path.endswith("/multi"):
        return {"statusCode": 200, "body": "", "headers": {"x-one": "1", "set-cookie": "single=1"},
                "multiValueHeaders": {"set-cookie": ["a=1", "b=2"], "x-two": ["1", "2"]}}
    if path.endswith("/slow"):
        time.sleep(5)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
"""


def zip_of(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as z:
        for name, text in files.items():
            z.writestr(name, text)
    return data.getvalue()


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def function(aws):
    iam, lam = aws("iam"), aws("lambda")
    role = iam.create_role(
        RoleName="gateway-test", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    made = lam.create_function(
        FunctionName="gateway-test",
        Runtime="python3.11",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": zip_of({"app.py": SOURCE})},
        Timeout=20,
    )
    lam.get_waiter("function_active_v2").wait(FunctionName="gateway-test")
    yield made["FunctionArn"]
    lam.delete_function(FunctionName="gateway-test")
    iam.delete_role(RoleName="gateway-test")


@pytest.fixture
def allowed(aws, function, api):
    """The function may be called by this API."""
    aws("lambda").add_permission(
        FunctionName=function,
        StatementId=api,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/*/things/{{proxy+}}",
    )
    yield function
    aws("lambda").remove_permission(FunctionName=function, StatementId=api)


def call_function(
    apis, api, function, version="2.0", key="ANY /things/{proxy+}", **more
):
    integration = apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=function,
        PayloadFormatVersion=version,
        **more,
    )
    apis.create_route(
        ApiId=api, RouteKey=key, Target="integrations/" + integration["IntegrationId"]
    )


@pytest.mark.functions
def test_a_function_gets_format_2_0(daemon, apis, api, allowed):
    call_function(apis, api, allowed)
    apis.create_stage(
        ApiId=api, StageName="dev", AutoDeploy=True, StageVariables={"v": "1"}
    )
    gateway = Gateway(daemon, api)
    status, headers, body = gateway(
        "POST",
        "/dev/things/a%20b?p=1&p=2&q=%20",
        body='{"x":1}',
        headers={
            "Content-Type": "application/json",
            "Cookie": "c=1; d=2",
            "X-Own": "v",
        },
    )
    event = json.loads(body)
    assert status == 200
    assert (event["version"], event["routeKey"]) == ("2.0", "ANY /things/{proxy+}")
    assert (event["rawPath"], event["rawQueryString"]) == (
        "/dev/things/a b",
        "p=1&p=2&q=%20",
    )
    assert event["cookies"] == ["c=1", "d=2"] and "cookie" not in event["headers"]
    assert (
        event["headers"]["x-own"] == "v"
        and event["headers"]["x-forwarded-for"] == "127.0.0.1"
    )
    assert event["queryStringParameters"] == {"p": "1,2", "q": " "}
    assert event["pathParameters"] == {"proxy": "a b"}
    assert event["stageVariables"] == {"v": "1"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"x":1}', False)
    context = event["requestContext"]
    assert (
        context["accountId"] == ACCOUNT
        and context["apiId"] == api
        and context["stage"] == "dev"
    )
    assert context["requestId"] == headers["apigw-requestid"]
    assert (
        context["http"]["method"] == "POST"
        and context["http"]["path"] == "/dev/things/a b"
    )
    assert (
        context["domainName"] == gateway.host.split(":")[0]
        and context["domainPrefix"] == api
    )


@pytest.mark.functions
def test_a_function_gets_format_1_0(daemon, apis, api, allowed):
    call_function(apis, api, allowed, version="1.0")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    status, _, body = Gateway(daemon, api)(
        "GET", "/things/a?p=1&p=2", headers={"X-Own": "v"}
    )
    event = json.loads(body)
    assert status == 200
    assert (event["version"], event["resource"], event["path"]) == (
        "1.0",
        "/things/{proxy+}",
        "/things/a",
    )
    assert event["multiValueQueryStringParameters"] == {"p": ["1", "2"]}
    assert event["queryStringParameters"] == {"p": "2"}
    assert event["multiValueHeaders"]["x-own"] == ["v"]
    assert event["body"] is None and event["stageVariables"] is None


@pytest.mark.functions
def test_a_function_gets_who_signed(daemon, aws, apis, api, allowed):
    key = "ANY /things/{proxy+}"
    call_function(apis, api, allowed, key=key)
    route = apis.get_routes(ApiId=api)["Items"][0]["RouteId"]
    apis.update_route(ApiId=api, RouteId=route, **IAM)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    me = aws("sts").get_caller_identity()
    event = json.loads(ask_signed(gateway, "GET", "/things/a")[2])
    assert event["requestContext"]["authorizer"] == {
        "iam": {
            "accessKey": "test",
            "accountId": ACCOUNT,
            "callerId": me["UserId"],
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": me["Arn"],
            "userId": me["UserId"],
        }
    }
    integration = apis.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    apis.update_integration(
        ApiId=api, IntegrationId=integration, PayloadFormatVersion="1.0"
    )
    event = json.loads(ask_signed(gateway, "GET", "/things/a")[2])
    identity = event["requestContext"]["identity"]
    assert identity["userArn"] == me["Arn"] and identity["accountId"] == ACCOUNT
    assert identity["caller"] == identity["user"] == me["UserId"]


@pytest.mark.functions
def test_bodies_that_are_not_text_are_base64(daemon, apis, api, allowed):
    call_function(apis, api, allowed)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    _, _, body = gateway(
        "POST", "/things/x", body=b"\x00\xff", headers={"Content-Type": "image/png"}
    )
    event = json.loads(body)
    assert event["isBase64Encoded"] and base64.b64decode(event["body"]) == b"\x00\xff"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    event = json.loads(gateway("POST", "/things/x", body=b"a=1", headers=form)[2])
    assert event["isBase64Encoded"] and base64.b64decode(event["body"]) == b"a=1"


@pytest.mark.functions
def test_answers_of_functions(daemon, apis, api, allowed):
    call_function(apis, api, allowed)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)
    status, headers, body = gateway("GET", "/things/plain")
    assert (status, headers["content-type"], json.loads(body)) == (
        200,
        "application/json",
        {"hello": "world"},
    )
    assert json.loads(gateway("GET", "/things/text")[2]) == "just text"
    status, headers, body = gateway("GET", "/things/binary")
    assert (status, body, headers["content-type"]) == (
        201,
        b"\x00\x01\x02\xff",
        "application/octet-stream",
    )
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert error_of(gateway("GET", "/things/boom")) == (500, "Internal Server Error")
    assert error_of(gateway("GET", "/things/malformed")) == (
        500,
        "Internal Server Error",
    )


@pytest.mark.functions
def test_repeated_headers_and_cookies_in_both_formats(daemon, apis, api, allowed):
    call_function(apis, api, allowed)
    integration = apis.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    gateway = Gateway(daemon, api)

    def event():
        sent = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        sent.putrequest("GET", "/things/a", skip_host=True)
        fields = [("X-A", "1"), ("Cookie", "c=1; d=2"), ("x-a", "2"), ("Cookie", "e=3")]
        for field in [("Host", gateway.host), *fields]:
            sent.putheader(*field)
        sent.endheaders()
        body = sent.getresponse().read()
        sent.close()
        return json.loads(body)

    said = event()
    assert said["headers"]["x-a"] == "1,2"
    assert said["cookies"] == ["c=1", "d=2", "e=3"]
    apis.update_integration(
        ApiId=api, IntegrationId=integration, PayloadFormatVersion="1.0"
    )
    said = event()
    assert said["headers"]["x-a"] == "2" and "cookies" not in said
    assert said["multiValueHeaders"]["x-a"] == ["1", "2"]
    assert said["multiValueHeaders"]["cookie"] == ["c=1; d=2", "e=3"]
    _, headers, _ = gateway("GET", "/things/multi")
    assert headers.get_all("set-cookie") == ["single=1", "a=1", "b=2"]
    assert headers.get_all("x-two") == ["1", "2"] and headers["x-one"] == "1"


@pytest.mark.functions
def test_functions_behind_default_and_by_stage_variable(
    daemon, aws, apis, api, function, name
):
    lam, statement = aws("lambda"), name("default")
    lam.add_permission(
        FunctionName=function,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/*/$default",
    )
    prefix = function.rpartition(":")[0]
    call_function(apis, api, prefix + ":${stageVariables.f}", key="$default")
    apis.create_stage(
        ApiId=api,
        StageName="$default",
        AutoDeploy=True,
        StageVariables={"f": function.rpartition(":")[2]},
    )
    gateway = Gateway(daemon, api)
    try:
        event = json.loads(gateway("PUT", "/any/where")[2])
        assert event["routeKey"] == "$default" and event["rawPath"] == "/any/where"
        assert "pathParameters" not in event
        status, headers, body = gateway("HEAD", "/any/where")
        assert (status, body) == (200, b"") and int(headers["content-length"]) > 0
        # a synchronous invocation takes 6 MB
        answer = gateway("POST", "/x", body=bytes(7 * 1024 * 1024))
        assert error_of(answer) == (413, "Request Entity Too Large")
        apis.update_stage(
            ApiId=api, StageName="$default", StageVariables={"f": "nothing"}
        )
        assert error_of(gateway("GET", "/x")) == (500, "Internal Server Error")
    finally:
        lam.remove_permission(FunctionName=function, StatementId=statement)


@pytest.mark.functions
def test_a_function_must_permit_the_api(daemon, apis, api, function):
    call_function(apis, api, function, key="GET /things/{proxy+}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    assert error_of(Gateway(daemon, api)("GET", "/things/plain")) == (
        500,
        "Internal Server Error",
    )


@pytest.mark.functions
def test_a_function_that_takes_too_long(daemon, apis, api, allowed):
    call_function(apis, api, allowed, TimeoutInMillis=500)
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    began = time.monotonic()
    assert error_of(Gateway(daemon, api)("GET", "/things/slow")) == (
        503,
        "Service Unavailable",
    )
    assert time.monotonic() - began < 4
