# SPDX-License-Identifier: Apache-2.0
"""`virga fsck`: a folder as a daemon leaves it is clean, and what is damaged afterwards is named, and nothing else.

Which file of content is whose is told by its size: every object here has one of its own.
"""

import hashlib
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from harness.aws import Aws, Virga
from harness.daemon import BINARY, Daemon
from harness.fsck import check_clean, fsck
from harness.leaks import Watch
from harness.s3 import take_customer_keys
from test_lambda import TRUST, zipped

CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0123456789abcdef0123456789abcdef"}
PART_MIN = 5 << 20
SEGMENT, TAG = 65536, 16
STRANGE = "strange\n\x1b[31m\\key"
SUMS = ("CRC32", "SHA1", "SHA256")  # that boto3 computes by itself
COPIED = ("CRC32C", "CRC64NVME")  # and those that a copy can have
SIZES = {"big": 200_000, "kms": 210_000, "customer": 220_000, "deleted": 230_000, STRANGE: 240_000, "versions": 250_000}
MANY = 100
OBJECTS = (4 + 2 + 2) + 2 * (len(SUMS) + len(COPIED)) + 1 + 3 + 4 + MANY  # plain, with checksums, parts, kms, versions


def text(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def everything(folder):
    """{path: (size, time, hash)} of all that is below."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(at) / name
            stat = path.stat()
            found[str(path)] = (stat.st_size if path.is_file() else 0, stat.st_mtime_ns, path.is_file() and sha256(path))
    return found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- a folder with everything in it -------------------------------------------------------------


def listed(number, part, with_sums):
    """As a completion names it."""
    sums = {k: v for k, v in part.items() if k.startswith("Checksum") and with_sums}
    return {"PartNumber": number, "ETag": part["ETag"], **sums}


def put_parts(s3, key, sizes, **options):
    upload = s3.create_multipart_upload(Bucket="plain", Key=key, **options)["UploadId"]
    sums = {k: v for k, v in options.items() if k == "ChecksumAlgorithm"}
    parts = []
    for number, size in enumerate(sizes, 1):
        part = s3.upload_part(Bucket="plain", Key=key, UploadId=upload, PartNumber=number, Body=text(size), **sums)
        parts.append(listed(number, part, sums))
    return upload, parts


def complete(s3, key, upload, parts):
    s3.complete_multipart_upload(Bucket="plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def copy_parts(s3, key, algorithm):
    upload = s3.create_multipart_upload(Bucket="plain", Key=key, ChecksumAlgorithm=algorithm)["UploadId"]
    at = {"Bucket": "plain", "Key": key, "UploadId": upload}
    parts = []
    for number, last in enumerate((PART_MIN - 1, 999), 1):
        source = {"CopySource": {"Bucket": "plain", "Key": "parts"}, "CopySourceRange": f"bytes=0-{last}"}
        part = s3.upload_part_copy(PartNumber=number, **source, **at)["CopyPartResult"]
        parts.append(listed(number, part, True))
    complete(s3, key, upload, parts)


def fill_plain(s3):
    s3.create_bucket(Bucket="plain")
    for size in (0, 1, 8192, 8193):
        s3.put_object(Bucket="plain", Key=f"{size} bytes", Body=text(size))
    for key in ("big", STRANGE):
        s3.put_object(Bucket="plain", Key=key, Body=text(SIZES[key]))
    for algorithm in SUMS:
        s3.put_object(Bucket="plain", Key=algorithm, Body=text(70_000 + len(algorithm)), ChecksumAlgorithm=algorithm)
    for algorithm in COPIED:
        source = {"Bucket": "plain", "Key": "SHA256"}
        s3.copy_object(Bucket="plain", Key=f"copy {algorithm}", CopySource=source, ChecksumAlgorithm=algorithm)
    take_customer_keys(s3, "plain")
    s3.put_object(Bucket="plain", Key="customer", Body=text(SIZES["customer"]), **CUSTOMER)
    s3.put_object(Bucket="plain", Key="customer, small", Body=text(300), **CUSTOMER)


def fill_parts(s3):
    complete(s3, "parts", *put_parts(s3, "parts", (PART_MIN, 300_000)))
    for n, algorithm in enumerate(SUMS):
        sizes = (PART_MIN + n, 310_000 + n)
        complete(s3, f"parts {algorithm}", *put_parts(s3, f"parts {algorithm}", sizes, ChecksumAlgorithm=algorithm))
    for algorithm in COPIED:
        copy_parts(s3, f"parts {algorithm}", algorithm)
    put_parts(s3, "under way", (320_000, 400))
    put_parts(s3, "under way", (330_000,), ServerSideEncryption="aws:kms")


def fill_kms(s3, kms):
    disabled, deleted = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    how = {"ServerSideEncryption": "aws:kms"}
    s3.put_object(Bucket="plain", Key="kms", Body=text(SIZES["kms"]), **how)
    s3.put_object(Bucket="plain", Key="kms, small", Body=text(500), SSEKMSKeyId=disabled, **how)
    s3.put_object(Bucket="plain", Key="deleted", Body=text(SIZES["deleted"]), SSEKMSKeyId=deleted, **how)
    kms.rotate_key_on_demand(KeyId=disabled)
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(KeyId=deleted, PendingWindowInDays=7)


def fill_versions(s3):
    s3.create_bucket(Bucket="versions")
    s3.put_object(Bucket="versions", Key="k", Body=text(600))
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    for size in (700, SIZES["versions"], 0):
        s3.put_object(Bucket="versions", Key="k", Body=text(size))
    s3.delete_object(Bucket="versions", Key="k")


def fill_many(s3):
    """Most of the store's blocks."""
    s3.create_bucket(Bucket="many")
    for i in range(MANY):
        s3.put_object(Bucket="many", Key=str(i), Body=text(4000))


def fill_lambda(aws):
    role = aws("iam").create_role(RoleName="fsck", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    code = zipped(app__py="def handler(event, context):\n    return 1\n")
    settings = {"Runtime": "python3.11", "Role": role, "Handler": "app.handler", "Publish": True}
    aws("lambda").create_function(FunctionName="f", Code={"ZipFile": code}, **settings)
    more = zipped(app__py="def handler(event, context):\n    return 2\n", pad=os.urandom(340_000))
    aws("lambda").update_function_code(FunctionName="f", ZipFile=more)
    return len(more)


@pytest.fixture(scope="module")
def filled():
    """A folder after a clean stop; the size of the last package in it."""
    watch = Watch()
    one = Daemon()
    kept = Path(f"{one.home}-kept")
    try:
        one.start()
        aws = Aws(one)
        fill_plain(aws("s3"))
        fill_parts(aws("s3"))
        fill_kms(aws("s3"), aws("kms"))
        fill_versions(aws("s3"))
        fill_many(aws("s3"))
        package = fill_lambda(aws)
        Virga(one)("clock", "advance", "8d")  # a key is deleted
        aws.close()
        one.stop()
        one.check_log()
        shutil.copytree(one.data, kept)
        yield kept, package
    finally:
        one.close()
        watch.check([one])
        shutil.rmtree(kept, ignore_errors=True)


@pytest.fixture
def data(filled, tmp_path):
    """A copy to be damaged."""
    return Path(shutil.copytree(filled[0], tmp_path / "data", symlinks=True))


def content(data, size, is_sealed=True):
    """The one content file of so many bytes."""
    stored = size + TAG * max(1, -(-size // SEGMENT)) if is_sealed else size
    found = [p for p in data.glob("blobs/??/*") if p.stat().st_size == stored]
    assert len(found) == 1, (size, found)
    return found[0]


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))


# -- what is sound ------------------------------------------------------------------------------


def test_a_folder_with_everything_is_clean_and_stays_as_it_is(data):
    before = everything(data)
    done = fsck(data)
    assert (done.returncode, done.findings, done.stderr) == (0, [], "")
    assert everything(data) == before
    assert int(done.counts["objects"]) == OBJECTS
    assert int(done.counts["parts"]) == 2 * (1 + len(SUMS) + len(COPIED)) + 3
    assert int(done.counts["packages"]) == 2
    assert int(done.counts["not decrypted (customers' keys)"]) == 2
    assert int(done.counts["not decrypted (deleted KMS keys)"]) == 1
    assert int(done.counts["bytes of contents"]) > (1 + len(SUMS)) * PART_MIN
    assert int(done.counts["rows"]) > 50
    assert (done.counts["orphans"], done.counts["errors"]) == ("0", "0")


def test_the_folder_is_that_of_serve(data, tmp_path):
    done = subprocess.run(
        [BINARY, "fsck"], env={"XDG_DATA_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and f"{tmp_path}/virga is no data folder" in done.stderr
    data.rename(tmp_path / "virga")
    done = subprocess.run(
        [BINARY, "fsck"], env={"XDG_DATA_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done


def test_what_only_the_log_has_is_checked_too(make_daemon):
    one = make_daemon()
    s3 = Aws(one)("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="small", Body=b"x")
    s3.put_object(Bucket="kept", Key="big", Body=text(SIZES["big"]))
    one.kill9()
    before = everything(one.data)
    done = fsck(one.data)
    assert (done.returncode, done.findings, done.counts["objects"]) == (0, [], "2")
    assert everything(one.data) == before
    flip(content(one.data, SIZES["big"]), 1)
    assert fsck(one.data).returncode == 1
    one.start()  # its store is as it was
    assert Aws(one)("s3").get_object(Bucket="kept", Key="small")["Body"].read() == b"x"


# -- what is damaged ----------------------------------------------------------------------------


def only(done, start, *parts):
    """One error, of that place, and nothing else."""
    assert done.returncode == 1 and done.counts["errors"] == "1", done
    assert len(done.findings) == 1 and done.findings[0].startswith(start), done.findings
    for part in parts:
        assert part in done.findings[0], done.findings


@pytest.mark.parametrize(
    ("size", "where"),
    [
        (SIZES["big"], "s3 plain/big: "),
        (SIZES["kms"], "s3 plain/kms: "),
        (8193, "s3 plain/8193 bytes: "),
        (300_000, "s3 plain/parts?partNumber=2: "),
        (PART_MIN + 2, "s3 plain/parts SHA256?partNumber=1: "),
        (SIZES["versions"], "s3 versions/k?versionId="),
        (320_000, "s3 plain/under way?uploadId="),
        (330_000, "s3 plain/under way?uploadId="),
        (SIZES[STRANGE], "s3 plain/strange\\x0a\\x1b[31m\\\\key: "),
    ],
)
def test_a_flipped_byte_names_its_object(data, size, where):
    path = content(data, size)
    at = path.stat().st_size // 2
    flip(path, at)
    segment = at // (SEGMENT + TAG) + 1
    only(fsck(data), where, f"content file {path.name} is damaged: segment {segment} of ", "does not decrypt")


def test_a_file_that_is_cut_or_gone_names_its_object(data):
    path = content(data, SIZES["big"])
    os.truncate(path, 100)
    only(fsck(data), "s3 plain/big: ", f"content file {path.name}", "it has 100 bytes instead of ")
    path.unlink()
    only(fsck(data), "s3 plain/big: ", f"content file {path.name}", "No such file or directory")


@pytest.mark.parametrize("key", ["customer", "deleted"])
def test_of_what_cannot_be_decrypted_the_length_is_checked(data, key):
    path = content(data, SIZES[key])
    flip(path, 5)
    assert fsck(data).returncode == 0
    os.truncate(path, path.stat().st_size - 1)
    only(fsck(data), f"s3 plain/{key}: ", f"content file {path.name}")


def test_packages_are_held_to_their_hash(data, filled):
    path = content(data, filled[1], is_sealed=False)
    flip(path, 1000)
    only(fsck(data), "lambda arn:aws:lambda:us-east-1:000000000000:function:f: ", path.name, "its SHA-256 is ")


def test_every_damage_is_told(data):
    for size in (SIZES["big"], SIZES["kms"], 300_000):
        flip(content(data, size), 1)
    done = fsck(data)
    assert done.returncode == 1 and done.counts["errors"] == "3" and len(done.findings) == 3, done


def test_a_damaged_block_of_the_store_is_told_and_orphans_are_not(data):
    sst = max(data.glob("kv/*.sst"), key=lambda p: p.stat().st_size)
    flip(sst, sst.stat().st_size // 2)
    done = fsck(data)
    assert done.returncode == 1, done
    assert "store: scanning: Corruption: block checksum mismatch" in done.stdout
    assert done.counts["orphans"].startswith("not known")
    assert not [line for line in done.findings if line.startswith("orphan")]
    # What lies in other blocks is checked: all records, and of the small contents those that can be read.
    assert int(done.counts["objects"]) == OBJECTS
    assert 1 < int(done.counts["errors"]) < 10
    for line in done.findings:
        assert line.startswith(("store: ", "s3 many/")) and "Corruption: block checksum mismatch" in line, line


def test_a_store_that_does_not_open_is_an_error(data):
    manifest = next(data.glob("kv/MANIFEST-*"))
    os.truncate(manifest, 20)
    done = fsck(data)
    assert done.returncode == 1 and "store: opening the store: Corruption" in done.stdout, done
    assert "nothing else was checked" in done.stdout


def test_a_log_that_is_cut_is_told(make_daemon):
    one = make_daemon()
    s3 = Aws(one)("s3")
    s3.create_bucket(Bucket="kept")
    for i in range(20):
        s3.put_object(Bucket="kept", Key=f"{i}", Body=text(1000))
    one.kill9()
    log = max(one.data.glob("kv/*.log"), key=lambda p: p.stat().st_size)
    size = log.stat().st_size
    shutil.copy(log, one.home / "log")
    os.truncate(log, size // 2)
    done = fsck(one.data)
    assert done.returncode == 1 and "had been made durable: its log is cut off or damaged" in done.stdout, done
    assert 0 < int(done.counts["objects"]) < 20
    shutil.move(one.home / "log", log)
    check_clean(one.data)


# -- orphans ------------------------------------------------------------------------------------


def test_files_that_nothing_refers_to_are_a_warning(data):
    path = content(data, SIZES["big"])
    orphan = data / "blobs" / "zz" / ("zz" + path.name[2:])
    orphan.parent.mkdir(exist_ok=True)
    shutil.copy(path, orphan)
    (data / "blobs" / "README").write_text("hello")
    done = fsck(data)
    assert done.returncode == 0 and done.counts["errors"] == "0" and done.counts["orphans"] == "2", done
    assert sorted(done.findings) == [
        "orphan: store: blobs/README is no content file",
        f"orphan: store: content file {orphan.name}: no record refers to it",
    ]


# -- refusals -----------------------------------------------------------------------------------


def test_a_running_daemon_keeps_its_folder(make_daemon):
    one = make_daemon()
    done = fsck(one.data)
    assert done.returncode == 2 and done.stdout == "", done
    assert f"is in use by another virga (process {one.process.pid})" in done.stderr
    one.stop()
    check_clean(one.data)


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    absent = tmp_path / str(uuid.uuid4())
    done = fsck(absent)
    assert done.returncode == 2 and "is no data folder of Virga's" in done.stderr, done
    assert not absent.exists()
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "notes").write_text("mine")
    before = everything(tmp_path)
    done = fsck(theirs)
    assert done.returncode == 2 and "is no data folder of Virga's" in done.stderr, done
    (theirs / "VERSION").write_text("virga data 9\n")
    assert fsck(theirs).returncode == 2
    (theirs / "VERSION").unlink()
    assert everything(theirs).keys() == {k for k in before if k.startswith(f"{theirs}/")}


def test_what_is_not_understood_is_refused(tmp_path):
    for words in (["--nothing"], ["--data"], ["more"]):
        done = subprocess.run([BINARY, "fsck", *words], capture_output=True, text=True, timeout=10)
        assert done.returncode == 2 and done.stderr.startswith("virga fsck: "), done
