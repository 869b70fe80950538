# SPDX-License-Identifier: Apache-2.0
"""S3 where the disk fails, the process ends at the worst of moments, or there is no room left."""

import base64
import hashlib
import os
import re

import objects
import pytest
from harness.aws import Virga
from harness.daemon import Daemon, wait_until
from harness.fsck import check_clean
from harness.raw import Cut, Raw
from test_store_full import fill_rest, small_disk  # noqa: F401 a fixture
from workers import Keys

CRASHES = [
    "store.blob.write=crash@20",  # a content file is half written
    "store.blob.sync=crash@7",
    "store.blob.renamed=crash@7",  # it has its name, nothing refers to it yet
    "store.commit.before=crash@40",
    "store.commit.after=crash@40",
    "store.gate.before_sync=crash@30",
    "store.gate.after_sync=crash@30",
]
FAILURES = [
    "store.blob.write=fail@9",
    "store.blob.sync=fail@5",
    "store.engine.get=fail@200",
    "store.engine.write=fail@60",
    "store.engine.sync=fail@40",
    "store.engine.sync.after=fail@40",
]
BIG = b"x" * (1 << 20)
ENOUGH = 150  # acknowledged by each writer


@pytest.fixture
def armed(request):
    daemon = Daemon(env={"VIRGA_FAULTS": request.param})
    daemon.expected.update({"internal_failure", "store.broken"})
    try:
        yield daemon.start()
    finally:
        daemon.close()


def make_bucket(daemon):
    assert Raw(daemon.port).s3("PUT", f"/{objects.BUCKET}")[0] == 200


def crew_of(daemon, things, under_way):
    return [objects.Objects(f"o{i}", f"1/{i}", daemon.port, things, under_way, may_be_refused=True) for i in range(2)]


def refused(raw, *request, **extra):
    with pytest.raises(objects.Refused):
        objects.ask(raw, *request, **extra)


def check(daemon, things, under_way):
    raw = Raw(daemon.port)
    wrong = objects.check(raw, things, under_way)
    raw.close()
    assert not wrong, wrong[:10]


def join(crew):
    for worker in crew:
        worker.halt.set()
        worker.join(60)
    assert not [w.trouble for w in crew if w.trouble]


@pytest.mark.parametrize("armed", CRASHES, indirect=True)
def test_what_was_acknowledged_outlives_a_crash_at(armed):
    things, under_way = Keys(), {}
    make_bucket(armed)
    crew = crew_of(armed, things, under_way)
    for worker in crew:
        worker.start()
    assert wait_until(lambda: not any(w.is_alive() for w in crew), 60), "it did not crash"
    join(crew)
    armed.kill9()
    check_clean(armed.data)
    del armed.env["VIRGA_FAULTS"]
    armed.start()
    check(armed, things, under_way)


@pytest.mark.parametrize("armed", FAILURES, indirect=True)
def test_one_failure_is_answered_and_work_goes_on_after(armed):
    things, under_way = Keys(), {}
    make_bucket(armed)
    crew = crew_of(armed, things, under_way)
    for worker in crew:
        worker.start()
    assert wait_until(lambda: all(w.acknowledged >= ENOUGH or not w.is_alive() for w in crew), 60)
    join(crew)
    assert min(w.acknowledged for w in crew) >= ENOUGH
    assert sum(w.refused for w in crew) > 0, "nothing failed"
    check(armed, things, under_way)
    armed.kill9()
    check_clean(armed.data)
    armed.start()
    check(armed, things, under_way)


@pytest.mark.parametrize("armed", ["store.blob.read=fail@1"], indirect=True)
def test_a_file_that_cannot_be_read_is_an_error(armed):
    make_bucket(armed)
    raw = Raw(armed.port)
    objects.ask(raw, "PUT", objects.path_of("large"), "", BIG)
    refused(raw, "GET", objects.path_of("large"))
    assert objects.read(raw, "large") == objects.sha256(BIG)
    raw.close()


@pytest.mark.parametrize("armed", ["store.blob.read=fail@5"], indirect=True)
def test_what_was_begun_to_be_sent_ends_short_where_the_file_fails(armed):
    make_bucket(armed)
    raw = Raw(armed.port)
    objects.ask(raw, "PUT", objects.path_of("large"), "", BIG)
    with pytest.raises(Cut):
        raw.s3("GET", objects.path_of("large"))
    assert objects.read(raw, "large") == objects.sha256(BIG)
    raw.close()


@pytest.mark.parametrize("armed", ["store.engine.iter=fail@200"], indirect=True)
def test_a_list_that_fails_is_an_error(armed):
    make_bucket(armed)
    raw = Raw(armed.port)
    objects.ask(raw, "PUT", objects.path_of("small"), "", b"small")
    with pytest.raises(objects.Refused):
        for _ in range(200):
            objects.listed(raw)
    assert objects.listed(raw) == ["small"]
    raw.close()


# -- no room ----------------------------------------------------------------------------------------

def started_upload(raw, key, body):
    """What completes it."""
    answer = objects.ask(raw, "POST", objects.path_of(key), "uploads=")
    upload = re.search(b"<UploadId>(.*?)</UploadId>", answer[2]).group(1).decode()
    query = f"uploadId={upload}"
    _, headers, _ = objects.ask(raw, "PUT", objects.path_of(key), f"partNumber=1&{query}", body)
    part = f"<Part><PartNumber>1</PartNumber><ETag>{headers['ETag']}</ETag></Part>"
    done = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
    return "POST", objects.path_of(key), query, done


def test_a_full_disk_refuses_changes_and_loses_nothing(small_disk):  # noqa: F811
    daemon = Daemon(home=small_disk / "home")
    daemon.expected.add("internal_failure")
    hog, path = small_disk / "hog", objects.path_of
    try:
        daemon.start()
        make_bucket(daemon)
        raw = Raw(daemon.port)
        there = {"small": b"small", "large": BIG, "gone": b"gone"}
        for key, body in there.items():
            objects.ask(raw, "PUT", path(key), "", body)
        complete = started_upload(raw, "in-parts", BIG)
        objects.ask(raw, "DELETE", path("gone"))
        del there["gone"]

        fill_rest(hog)
        # It is looked at how full the disk is ten times a second, while something is written.
        assert wait_until(lambda: is_refused(raw, path("probe")), 20), "it writes to a full disk"
        refused(raw, "PUT", path("small"), "", b"other")
        refused(raw, "PUT", path("large"), "", BIG * 2)
        refused(raw, "PUT", path("copy"), x_amz_copy_source=path("large"))
        refused(raw, "DELETE", path("small"))
        refused(raw, *complete)
        for key, body in there.items():
            assert objects.read(raw, key) == objects.sha256(body)
        probes = [k for k in objects.listed(raw) if k not in there]
        assert probes in ([], ["probe"])

        hog.unlink()
        assert wait_until(lambda: not is_refused(raw, path("probe")), 20), "it does not write again"
        objects.ask(raw, *complete)
        objects.ask(raw, "PUT", path("copy"), x_amz_copy_source=path("large"))
        objects.ask(raw, "PUT", path("small"), "", b"other")
        objects.ask(raw, "DELETE", path("large"))
        there = {"small": b"other", "in-parts": BIG, "copy": BIG, "probe": b"probe"}
        raw.close()
        daemon.restart("kill9")
        raw = Raw(daemon.port)
        assert objects.listed(raw) == sorted(there)
        for key, body in there.items():
            assert objects.read(raw, key) == objects.sha256(body)
        files = [p for p in (daemon.data / "blobs").rglob("*") if p.is_file()]
        assert len(files) == 2, "what was refused left its file behind"
        raw.close()
    finally:
        daemon.close()


def leave(path, megabytes):
    """What another program does to us: takes all that is left but so much."""
    at = os.statvfs(path.parent)
    path.write_bytes(bytes(at.f_bavail * at.f_frsize - (megabytes << 20)))


EXPIRE = b"""<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>old/</Prefix></Filter>
<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"""


def test_deletes_go_on_where_nothing_else_is_written(small_disk):  # noqa: F811
    daemon = Daemon(home=small_disk / "home")
    daemon.expected.add("internal_failure")
    path = objects.path_of

    def files():
        return sum(p.is_file() for p in (daemon.data / "blobs").rglob("*"))

    try:
        daemon.start()
        make_bucket(daemon)
        raw = Raw(daemon.port)
        for key in ("one", "two", "old/three"):
            objects.ask(raw, "PUT", path(key), "", BIG)
        objects.ask(raw, "PUT", path("small"), "", b"small")
        objects.ask(raw, "PUT", path("old/small"), "", b"small")
        digest = base64.b64encode(hashlib.md5(EXPIRE).digest()).decode()
        objects.ask(raw, "PUT", f"/{objects.BUCKET}", "lifecycle=", EXPIRE, content_md5=digest)
        _, at, upload, _ = started_upload(raw, "in-parts", BIG)
        assert files() == 4

        leave(small_disk / "hog", 80)
        assert wait_until(lambda: is_refused(raw, path("probe")), 20), "it writes to a full disk"
        objects.ask(raw, "DELETE", path("one"))
        objects.ask(raw, "DELETE", path("small"))
        objects.ask(raw, "DELETE", at, upload)
        assert wait_until(lambda: files() == 2, 20), "a dropped file stays"
        refused(raw, "PUT", path("two"), "", b"other")
        Virga(daemon)("clock", "advance", "72h")
        assert wait_until(lambda: files() == 1, 20), "what has expired stays"
        assert [k for k in objects.listed(raw) if k != "probe"] == ["two"]
        refused(raw, "PUT", path("two"), "", b"other")
        raw.close()
    finally:
        daemon.close()


def is_refused(raw, path):
    try:
        objects.ask(raw, "PUT", path, "", b"probe")
    except objects.Refused:
        return True
    return False
