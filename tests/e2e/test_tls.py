# SPDX-License-Identifier: Apache-2.0
"""HTTPS as AWS's own clients meet it: a certificate made per name, or one's own.

RFC 6066 (server name indication), RFC 9110 9.2 (https origins); each client's own way to trust an authority:
boto3's `verify`, the CLI's AWS_CA_BUNDLE, Node's NODE_EXTRA_CA_CERTS.
"""

import http.client
import socket
import ssl
import struct
import subprocess

import boto3
import pytest
from botocore.exceptions import ClientError, SSLError
from harness.aws import Aws, Cli, Node

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


class Secure:
    """The TLS side of a daemon, for the clients of the harness."""

    def __init__(self, daemon, host="127.0.0.1", scheme="https"):
        self.daemon = daemon
        self.port = int(daemon.logged("ready")[-1]["tls"].rsplit(":", 1)[1])
        self.endpoint = f"{scheme}://{host}:{self.port}"
        self.authority = daemon.data / "tls" / "ca.pem"

    def aws_env(self):
        return {**self.daemon.aws_env(), "AWS_ENDPOINT_URL": self.endpoint}


@pytest.fixture
def make_secure(make_daemon):
    """make_secure(*args) starts a daemon that answers HTTPS too."""

    return lambda *args: make_daemon("--tls-listen", "127.0.0.1:0", *args)


def run_openssl(*command):
    subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """An authority of the user's, and a certificate it signed through an intermediate: (chain, key, authority)."""
    home = tmp_path_factory.mktemp("own")
    extensions = home / "extensions"
    extensions.write_text(
        "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
        "[leaf]\nsubjectAltName=DNS:localhost,DNS:*.cloud.test,IP:127.0.0.1\n",
        encoding="ascii",
    )
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    for name in ("root", "middle", "leaf"):
        request = ("req", "-new", *key, "-keyout", home / f"{name}.key", "-out", home / f"{name}.csr")
        run_openssl(*request, "-subj", f"/CN={name}")
    for name, section, signer in (("root", "ca", None), ("middle", "ca", "root"), ("leaf", "leaf", "middle")):
        by = ("-CA", home / f"{signer}.pem", "-CAkey", home / f"{signer}.key", "-CAcreateserial") if signer else ()
        by = by or ("-signkey", home / f"{name}.key")
        signed = ("x509", "-req", "-in", home / f"{name}.csr", "-out", home / f"{name}.pem", "-days", 2, *by)
        run_openssl(*signed, "-extfile", extensions, "-extensions", section)
    chain = home / "chain.pem"
    chain.write_bytes((home / "leaf.pem").read_bytes() + (home / "middle.pem").read_bytes())
    return chain, home / "leaf.key", home / "root.pem"


def certificate(port, authority, name):
    """What a client that asks for `name`, and trusts only `authority`, is shown."""
    context = ssl.create_default_context(cafile=str(authority))
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secured:
            return secured.getpeercert()


def use(secure, authority, table):
    """A table made by boto3, its item put by the CLI and read by the JavaScript SDK."""
    clients = Aws(secure, verify=str(authority))
    clients("dynamodb").create_table(TableName=table, **TABLE)
    clients("dynamodb").get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    item = '{"pk": {"S": "a"}, "n": {"N": "7"}}'
    put = ("dynamodb", "put-item", "--table-name", table, "--item", item)
    Cli(secure)(*put, env={"AWS_CA_BUNDLE": str(authority)})
    asked = {"table": table, "key": {"pk": "a"}}
    found = Node(secure)("get_item.mjs", asked, env={"NODE_EXTRA_CA_CERTS": str(authority)})
    assert found == {"pk": "a", "n": 7}
    clients.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_clients_that_trust_the_made_authority_work_by_address_and_by_name(make_secure, name, host):
    secure = Secure(make_secure(), host)
    use(secure, secure.authority, name("tls"))


def test_clients_work_with_a_certificate_of_ones_own_and_its_chain(make_secure, name, own):
    chain, key, authority = own
    daemon = make_secure("--tls-cert", str(chain), "--tls-key", str(key))
    for host in ("127.0.0.1", "localhost"):
        use(Secure(daemon, host), authority, name("own"))


def test_a_client_that_does_not_know_the_authority_sends_nothing(make_secure):
    clients = Aws(Secure(make_secure()))
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        clients("dynamodb").list_tables()
    clients.close()


def test_each_name_asked_for_gets_a_certificate_of_its_own(make_secure):
    secure = Secure(make_secure())
    names = ["localhost", "a1b2c3d4e5.execute-api.us-east-1.localhost", "dynamodb.us-east-1.amazonaws.com"]
    serials = set()
    for asked in names:
        shown = certificate(secure.port, secure.authority, asked)
        assert shown["subjectAltName"] == (("DNS", asked),)
        serials.add(shown["serialNumber"])
    assert len(serials) == len(names)
    again = certificate(secure.port, secure.authority, names[1].upper())  # names have no case: RFC 4343
    assert again["serialNumber"] in serials


def test_ones_own_certificate_serves_its_names_and_others_are_made(make_secure, own):
    chain, key, authority = own
    secure = Secure(make_secure("--tls-cert", str(chain), "--tls-key", str(key)))
    for asked in ("localhost", "api.cloud.test"):
        assert ("DNS", "*.cloud.test") in certificate(secure.port, authority, asked)["subjectAltName"]
    made = certificate(secure.port, secure.authority, "a.b.cloud.test")  # a star is one label: RFC 6125 6.4.3
    assert made["subjectAltName"] == (("DNS", "a.b.cloud.test"),)


def test_the_made_authority_stays_after_a_restart(make_secure):
    daemon = make_secure()
    secure = Secure(daemon)
    before = secure.authority.read_bytes()
    assert secure.authority.with_name("ca.key").stat().st_mode & 0o777 == 0o600
    daemon.restart()
    secure = Secure(daemon)
    assert secure.authority.read_bytes() == before
    certificate(secure.port, secure.authority, "localhost")


def test_plain_http_on_the_tls_port_is_told_what_is_wrong(make_secure):
    daemon = make_secure()
    secure = Secure(daemon, scheme="http")
    # No answer of DynamoDB's, and so not one that the harness's clients would hold to its model.
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("dynamodb", endpoint_url=secure.endpoint, **credentials)
    with pytest.raises(ClientError) as refused:
        client.list_tables()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "https://" in refused.value.response["Error"]["Message"]
    client.close()
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        connection = http.client.HTTPConnection("127.0.0.1", secure.port, timeout=30)
        connection.request(method, "/")
        reply = connection.getresponse()
        assert (reply.status, reply.getheader("Connection")) == (400, "close")
        assert b"https://" in reply.read()
        connection.close()
    for _ in range(20):  # some that do not wait for an answer
        with socket.create_connection(("127.0.0.1", secure.port), timeout=30) as rude:
            rude.sendall(b"OPTIONS * HTTP/1.1\r\n\r\n")
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    certificate(secure.port, secure.authority, "localhost")  # and it goes on serving
