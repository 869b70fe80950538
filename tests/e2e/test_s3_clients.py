# SPDX-License-Identifier: Apache-2.0
"""S3 through the programs that people move files with: AWS CLI, rclone, s3cmd, the JavaScript SDK.

Each is run as its manual shows, told only where the daemon is; what it reports and what is on the disk afterwards
is the expectation.
"""

import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from harness.aws import CliError

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path):
    """A folder with files of every kind of name, an empty one, and one that goes up in parts."""
    root = tmp_path / "tree"
    files = {
        "index.html": b"<h1>hi</h1>",
        "empty": b"",
        "a b/c+d=e&f.txt": b"odd",
        "ünï/日本.txt": "größe".encode(),
        "deep/er/and/deeper/x.bin": os.urandom(100_000),
        "big.bin": os.urandom(20 * MIB),
    }
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        # Times are listed in whole seconds: what is written in the second of its upload is "newer".
        os.utime(root / path, (time.time() - 60, time.time() - 60))
    return root


def names(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def assert_same(one, other):
    assert names(one) == names(other)
    for path in names(one):
        assert filecmp.cmp(one / path, other / path, shallow=False), path


def keys(aws, bucket):
    return sorted(
        o["Key"] for o in aws("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    )


def run(command, env):
    done = subprocess.run(
        [str(c) for c in command],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, (
        f"{command} ended with {done.returncode}: {done.stdout} {done.stderr}"
    )
    return done.stdout


# --- AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/cli-services-s3-commands.html ----------


def test_the_cli_syncs_there_and_back(aws, cli, bucket, tree, tmp_path):
    cli("s3", "sync", tree, f"s3://{bucket}/site", text=True)
    assert keys(aws, bucket) == sorted(f"site/{n}" for n in names(tree))
    assert (
        aws("s3").head_object(Bucket=bucket, Key="site/index.html")["ContentType"]
        == "text/html"
    )
    assert (
        aws("s3").head_object(Bucket=bucket, Key="site/big.bin")["ETag"].endswith('-3"')
    )  # parts of 8 MiB
    assert (
        cli("s3", "sync", tree, f"s3://{bucket}/site", text=True) == ""
    )  # nothing is new
    (tree / "empty").unlink()
    assert "delete:" in cli(
        "s3", "sync", "--delete", tree, f"s3://{bucket}/site", text=True
    )
    cli("s3", "sync", f"s3://{bucket}/site", tmp_path / "back", text=True)
    assert_same(tree, tmp_path / "back")


def test_the_cli_copies_moves_lists_and_removes(aws, cli, bucket, tree, tmp_path):
    cli("s3", "cp", tree / "big.bin", f"s3://{bucket}/one", text=True)
    cli("s3", "cp", f"s3://{bucket}/one", f"s3://{bucket}/two", text=True)
    cli("s3", "mv", f"s3://{bucket}/two", f"s3://{bucket}/dir/three", text=True)
    assert keys(aws, bucket) == ["dir/three", "one"]
    listed = cli("s3", "ls", f"s3://{bucket}", "--recursive", "--summarize", text=True)
    assert (
        "dir/three" in listed
        and "Total Objects: 2" in listed
        and f"Total Size: {40 * MIB}" in listed
    )
    assert "PRE dir/" in cli("s3", "ls", f"s3://{bucket}", text=True)
    cli("s3", "mv", f"s3://{bucket}/dir/three", tmp_path / "three", text=True)
    assert filecmp.cmp(tmp_path / "three", tree / "big.bin", shallow=False)
    cli(
        "s3",
        "cp",
        "--recursive",
        "--exclude",
        "*",
        "--include",
        "*.txt",
        tree,
        f"s3://{bucket}/t",
        text=True,
    )
    assert keys(aws, bucket) == sorted(["one", "t/a b/c+d=e&f.txt", "t/ünï/日本.txt"])
    cli("s3", "rm", "--recursive", f"s3://{bucket}", text=True)
    assert keys(aws, bucket) == []
    with pytest.raises(CliError, match="404"):
        cli("s3", "cp", f"s3://{bucket}/one", tmp_path / "none", text=True)


def test_the_cli_makes_presigns_and_removes_buckets(aws, cli, name, tree):
    bucket = name("made")
    cli("s3", "mb", f"s3://{bucket}", text=True)
    cli("s3", "website", f"s3://{bucket}", "--index-document", "index.html", text=True)
    assert aws("s3").get_bucket_website(Bucket=bucket)["IndexDocument"] == {
        "Suffix": "index.html"
    }
    cli(
        "s3",
        "cp",
        tree / "a b" / "c+d=e&f.txt",
        f"s3://{bucket}/a b/c+d=e&f.txt",
        text=True,
    )
    url = cli(
        "s3",
        "presign",
        f"s3://{bucket}/a b/c+d=e&f.txt",
        "--expires-in",
        "60",
        text=True,
    ).strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"odd"
    with pytest.raises(urllib.error.HTTPError) as e:
        urllib.request.urlopen(url.replace("c%2Bd", "c%2Be"), timeout=30)
    assert e.value.code == 403
    cli("s3", "rb", "--force", f"s3://{bucket}", text=True)
    assert bucket not in [b["Name"] for b in aws("s3").list_buckets()["Buckets"]]


# --- rclone: https://rclone.org/s3/ -----------------------------------------------------------------


@pytest.fixture
def rclone(daemon, tmp_path):
    if not shutil.which("rclone"):
        pytest.skip("rclone is Debian's, and this is no Debian")
    env = {
        **daemon.aws_env(),
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENV_AUTH": "true",
        "RCLONE_S3_ACL": "bucket-owner-full-control",  # as on AWS: new buckets take no other list
        "RCLONE_S3_BUCKET_ACL": "private",
        "RCLONE_S3_REGION": "us-east-1",
        "RCLONE_S3_ENDPOINT": daemon.endpoint,
        "RCLONE_S3_UPLOAD_CUTOFF": "5Mi",
        "RCLONE_S3_CHUNK_SIZE": "5Mi",
    }
    return lambda *command: run(["rclone", *command], env)


def test_rclone_copies_checks_and_purges(aws, rclone, name, tree, tmp_path):
    bucket = name("rclone")
    rclone("mkdir", f":s3:{bucket}")
    rclone("sync", tree, f":s3:{bucket}/in")
    assert keys(aws, bucket) == sorted(f"in/{n}" for n in names(tree))
    rclone("check", "--download", tree, f":s3:{bucket}/in")
    assert rclone("cat", f":s3:{bucket}/in/a b/c+d=e&f.txt") == "odd"
    assert sorted(
        rclone("lsf", "-R", "--files-only", f":s3:{bucket}/in").splitlines()
    ) == names(tree)
    rclone("moveto", f":s3:{bucket}/in/big.bin", f":s3:{bucket}/in/deep/bigger.bin")
    (tree / "big.bin").rename(tree / "deep" / "bigger.bin")
    rclone("copy", f":s3:{bucket}/in", tmp_path / "back")
    assert_same(tree, tmp_path / "back")
    made = rclone(
        "lsf", "--format", "tp", f":s3:{bucket}/in/index.html"
    )  # its own time, kept as metadata
    assert made.endswith("index.html\n")
    rclone("purge", f":s3:{bucket}")
    assert bucket not in [b["Name"] for b in aws("s3").list_buckets()["Buckets"]]


# --- s3cmd: https://s3tools.org/usage ---------------------------------------------------------------


@pytest.fixture
def s3cmd(daemon, tmp_path):
    config = tmp_path / "s3cfg"
    host = daemon.endpoint.removeprefix("http://")
    config.write_text(
        "[default]\naccess_key = test\nsecret_key = test\nuse_https = False\nbucket_location = us-east-1\n"
        f"host_base = {host}\nhost_bucket = {host}\nmultipart_chunk_size_mb = 5\n"
    )
    program = [
        sys.executable,
        str(Path(sys.executable).with_name("s3cmd")),
        "-c",
        str(config),
    ]
    return lambda *command: run([*program, *command], daemon.aws_env())


def test_s3cmd_puts_gets_and_syncs(aws, s3cmd, name, tree, tmp_path):
    bucket = name("s3cmd")
    aws("s3").create_bucket(Bucket=bucket, ObjectOwnership="ObjectWriter")  # it sets lists of its own
    s3cmd(
        "put", "--add-header=x-amz-meta-who:me", tree / "big.bin", f"s3://{bucket}/big"
    )
    assert aws("s3").head_object(Bucket=bucket, Key="big")["Metadata"]["who"] == "me"
    s3cmd("get", f"s3://{bucket}/big", tmp_path / "big")
    assert filecmp.cmp(tmp_path / "big", tree / "big.bin", shallow=False)
    s3cmd("sync", f"{tree}/", f"s3://{bucket}/in/")
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"s3://{bucket}/in/", f"{tmp_path}/back/")
    assert_same(tree, tmp_path / "back")
    assert f"s3://{bucket}/in/index.html" in s3cmd("ls", "-r", f"s3://{bucket}")
    said = s3cmd("info", f"s3://{bucket}/in/index.html")
    assert hashlib.md5((tree / "index.html").read_bytes()).hexdigest() in said
    url = s3cmd("signurl", f"s3://{bucket}/in/index.html", "+60").strip()
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"<h1>hi</h1>"
    s3cmd("mv", f"s3://{bucket}/big", f"s3://{bucket}/bigger")
    assert "bigger" in keys(aws, bucket) and "big" not in keys(aws, bucket)
    s3cmd("del", "-r", "-f", f"s3://{bucket}")
    s3cmd("rb", f"s3://{bucket}")


# --- AWS SDK for JavaScript v3 ----------------------------------------------------------------------


def test_the_javascript_sdk_streams(node, bucket):
    seen = node("s3.mjs", {"bucket": bucket, "bytes": 17 * MIB + 5})
    assert seen["etag"].endswith('-4"')
    assert seen["isSame"] and seen["isRangeSame"] and seen["type"] == "text/x"
    assert seen["crc32"] == "NhCmhg=="  # of "hello", by zlib.crc32
    assert (seen["stream"], seen["putStatus"], seen["signed"]) == ("hello", 200, "signed")
    assert seen["signedBy"] == "me"  # which its presigner moved into the URL: aws-sdk-js-v3, issue 4694
    assert seen["keys"] == ["a=b c+d", "copy", "dir/big", "small ü", "stream"]
    assert (seen["error"], seen["deleted"], seen["left"]) == ("NoSuchKey", 5, 0)
