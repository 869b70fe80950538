/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expectations are the rules of s3_content.h; digests are compared with those of the whole in one
 * go.  Each test runs over the store in memory and over RocksDB, on a fiber and on a plain thread.
 */
#include "services/s3/s3_content.c" /* to stand right before the limit of a put */

#include "base/fault.h"
#include "base/test.h"
#include "codec/base64.h"
#include "os/file.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

struct fixture {
    struct vg_str dir;
    struct vg_env env;
    void *svc;
    struct vg_sess sess;
    struct vg_err err;
    struct vg_req rq;
    struct s3_sealer sealer;
};

typedef void(test_fn)(struct fixture *t);
struct named {
    test_fn *fn;
};

static void
begin(struct fixture *t, bool on_disk)
{
    char dir[] = "/tmp/vg_s3_content_XXXXXX";
    assert_non_null(mkdtemp(dir));
    t->rq = (struct vg_req) { .arena = vg_arena_new(1u << 30), .env = &t->env, .err = &t->err };
    t->dir = vg_str_dup(t->rq.arena, vg_str_of(dir));
    t->env.random = vg_random_new(1, NULL);
    if (on_disk)
        assert_ok(
            vg_kv_open_rocks(&(struct vg_kv_options) { .path = t->dir }, &t->env.kv, &t->err));
    else
        assert_ok(vg_kv_open_mem(&t->env.kv, &t->err));
    assert_ok(vg_blobs_open(t->dir, t->env.kv, t->env.random, &t->env.blobs, &t->err));
    assert_ok(s3_service.init(&t->env, &t->svc, &t->err));
    vg_sess_init(&t->sess, t->env.kv, t->rq.arena);
    t->rq.sess = &t->sess;
    t->rq.svc = t->svc;
    t->sealer.account = VG_STR("000000000000");
}

static void
end(struct fixture *t)
{
    assert_ok(vg_fault_setup(VG_STR(""), &t->err));
    vg_blobs_close(t->env.blobs);
    vg_kv_close(t->env.kv);
    vg_random_free(t->env.random);
    assert_ok(vg_dir_remove(t->dir, &t->err));
    vg_arena_free(t->rq.arena);
    s3_service.fini(t->svc);
    *t = (struct fixture) { .svc = NULL };
}

struct run {
    struct fixture t;
    test_fn *fn;
    struct vg_loop *loop;
};

static void
on_fiber(void *arg)
{
    struct run *r = arg;
    r->fn(&r->t);
    vg_loop_stop(r->loop);
}

static void
everywhere(void **state)
{
    static struct run r;
    const struct named *named = *state;
    for (int i = 0; i < 4; i++) {
        r = (struct run) { .fn = named->fn };
        begin(&r.t, i & 1);
        if (i & 2) {
            r.loop = vg_loop_new(0);
            vg_fiber_start(r.loop, on_fiber, &r);
            vg_loop_run(r.loop);
            vg_loop_free(r.loop);
        } else {
            r.fn(&r.t);
        }
        end(&r.t);
    }
}

/* --- helpers ------------------------------------------------------------------------------------
 */

static struct vg_str
text_of(struct fixture *t, size_t n)
{
    char *text = vg_arena_alloc(t->rq.arena, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i * 7 + i / 251 + i / 65536);
    return vg_str_n(text, n);
}

/* In pieces of `step`; `trailer` and the rest as s3_writer_finish(). */
static vg_rc
write_in(struct fixture *t, const struct s3_declared *d, struct vg_str bytes, size_t step,
         struct vg_str trailer, struct s3_written *ret) VG_WAITS
{
    s3_auto_writer struct s3_writer *w = NULL;
    vg_rc rc = s3_writer_open(&t->rq, &t->sealer, d, &w);
    for (size_t i = 0; rc == VG_OK && i < bytes.len; i += step)
        rc = s3_writer_add(w, vg_str_slice(bytes, i, i + step));
    return rc == VG_OK ? s3_writer_finish(w, trailer, ret) : rc;
}

static const struct s3_declared nothing = { .size = -1 };

static struct s3_source
written(struct fixture *t, struct vg_str bytes, bool is_part) VG_WAITS
{
    struct s3_written w;
    const struct s3_declared d = { .size = (int64_t)bytes.len, .is_part = is_part };
    assert_ok(write_in(t, &d, bytes, 30000, VG_STR_NONE, &w));
    return (struct s3_source) { .content = w.content, .small = w.small };
}

static vg_rc
read_all(struct fixture *t, const struct s3_source *sources, size_t n, uint64_t from,
         uint64_t bytes, struct vg_str *ret) VG_WAITS
{
    s3_auto_reader struct s3_reader *r = NULL;
    struct vg_buf b;
    struct vg_str piece = VG_STR("-");
    vg_buf_init(&b, t->rq.arena, 64u << 20);
    vg_rc rc = s3_reader_open(&t->rq, &t->sealer, sources, n, from, bytes, &r);
    while (rc == VG_OK && piece.len > 0) {
        rc = s3_reader_next(r, &piece);
        assert_true(piece.len <= 262144);
        vg_buf_adds(&b, piece);
    }
    if (rc != VG_OK && r)
        assert_int_equal(s3_reader_next(r, &piece), VG_FAIL); /* not an end */
    *ret = vg_buf_str(&b);
    return rc;
}

static void
expect_bytes(struct vg_str got, struct vg_str want)
{
    assert_int_equal(got.len, want.len);
    if (want.len)
        assert_memory_equal(got.ptr, want.ptr, want.len);
}

static size_t n_found;

static int
count(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path, (void)st, (void)ftw;
    n_found += type == FTW_F;
    return 0;
}

static size_t
n_files(struct fixture *t)
{
    n_found = 0;
    struct vg_str blobs = vg_str_fmt(t->rq.arena, "%" VG_FMT "/blobs", VG_ARG(t->dir));
    assert_int_equal(nftw(vg_str_cstr(t->rq.arena, blobs), count, 8, FTW_PHYS), 0);
    return n_found;
}

#define assert_error(rc, t, what)                                                                  \
    do {                                                                                           \
        assert_int_equal((rc), VG_FAIL);                                                           \
        assert_non_null((t)->err.def);                                                             \
        assert_str(vg_str_fmt((t)->rq.arena, "%" VG_FMT ": %" VG_FMT, VG_ARG((t)->err.def->code),  \
                              VG_ARG(vg_err_text(&(t)->err))),                                     \
                   what);                                                                          \
        (t)->err = (struct vg_err) { 0 };                                                          \
    } while (0)

/* --- what goes in comes out ---------------------------------------------------------------------
 */

static const size_t sizes[] = { 0,     1,     100,   8191,   8192,   8193,   65535,
                                65536, 65537, 99999, 131072, 262144, 262145, 1048579 };

static void
what_was_written_is_read(struct fixture *t)
{
    static const size_t steps[] = { 1u << 20, 65536, 4096, 50001 };
    for (size_t i = 0; i < VG_COUNT(sizes); i++) {
        struct vg_str bytes = text_of(t, sizes[i]), got;
        struct s3_written w;
        assert_ok(write_in(t, &nothing, bytes, steps[i % 4], VG_STR_NONE, &w));
        assert_int_equal(w.content->size, sizes[i]);
        assert_int_equal(w.small.ptr != NULL, sizes[i] <= S3_SMALL_MAX);
        assert_int_equal(w.content->blob.ptr != NULL, sizes[i] > S3_SMALL_MAX);
        assert_true(vg_str_eq(w.etag, vg_md5_hex(t->rq.arena, bytes)));
        const struct s3_source s = { .content = w.content, .small = w.small };
        assert_ok(read_all(t, &s, 1, 0, bytes.len, &got));
        expect_bytes(got, bytes);
    }
    assert_int_equal(n_files(t), 9);
}

static void
each_algorithm_gives_its_checksum(struct fixture *t)
{
    static const enum vg_checksum_kind kinds[] = { VG_CRC32, VG_CRC32C, VG_CRC64NVME, VG_SHA1,
                                                   VG_SHA256 };
    for (size_t i = 0; i < 2 * VG_COUNT(kinds); i++) {
        struct vg_str bytes = text_of(t, i & 1 ? 400000 : 5000);
        struct vg_checksum c;
        struct s3_written w;
        vg_checksum_init(&c, kinds[i / 2]);
        vg_checksum_add(&c, bytes);
        struct s3_declared d = { .size = -1, .algorithm = s3_checksum_name(kinds[i / 2]) };
        struct vg_str want = s3_checksum_end(t->rq.arena, &c);
        assert_ok(write_in(t, &d, bytes, 70000, i & 2 ? want : VG_STR_NONE, &w));
        assert_true(vg_str_eq(w.checksum->value, want));
        assert_true(vg_str_eq(w.checksum->algorithm, d.algorithm));
        assert_str(w.checksum->type, "FULL_OBJECT");
        d.checksum = want;
        assert_ok(write_in(t, &d, bytes, 70000, VG_STR_NONE, &w));
    }
    struct s3_written w;
    assert_ok(write_in(t, &nothing, VG_STR("123456789"), 9, VG_STR_NONE, &w));
    assert_str(w.checksum->algorithm, "CRC64NVME");
    assert_str(w.checksum->value, "rosUhgp5mIg=");
}

static void
any_range_of_any_parts_is_read(struct fixture *t)
{
    static const size_t lens[] = { 70000, 1, 0, 65536, 300000, 0, 9000 };
    struct s3_source parts[VG_COUNT(lens)];
    struct vg_str whole = text_of(t, 444537), got;
    size_t at = 0;
    for (size_t i = 0; i < VG_COUNT(lens); at += lens[i++])
        parts[i] = written(t, vg_str_slice(whole, at, at + lens[i]), true);
    assert_int_equal(at, whole.len);
    assert_int_equal(n_files(t), VG_COUNT(lens)); /* small ones too */
    static const size_t edges[] = { 0,      1,      65535,  65536,  69999,  70000, 70001,
                                    135536, 135537, 200000, 266610, 435537, 444536 };
    for (size_t i = 0; i < VG_COUNT(edges); i++)
        for (size_t j = i; j < VG_COUNT(edges); j++) {
            size_t n = edges[j] - edges[i] + 1;
            assert_ok(read_all(t, parts, VG_COUNT(lens), edges[i], n, &got));
            expect_bytes(got, vg_str_slice(whole, edges[i], edges[j] + 1));
        }
    assert_ok(read_all(t, parts, VG_COUNT(lens), whole.len, 0, &got));
    assert_int_equal(read_all(t, parts, VG_COUNT(lens), whole.len, 1, &got), VG_FAIL);
    assert_int_equal(read_all(t, parts, VG_COUNT(lens), 1, whole.len, &got), VG_FAIL);
}

/* Parts are opened one after the other: they outlive their object for as long as it is read. */
static void
dropped_parts_are_read_to_their_end(struct fixture *t)
{
    struct vg_str whole = text_of(t, 3000000), piece, first;
    struct s3_source parts[3], other = written(t, VG_STR("other"), true);
    struct s3_reader *r = NULL;
    if (!vg_fiber_self())
        return; /* nobody sweeps */
    for (size_t i = 0; i < 3; i++)
        parts[i] = written(t, vg_str_slice(whole, i * 1000000, (i + 1) * 1000000), true);
    assert_ok(s3_reader_open(&t->rq, &t->sealer, parts, 3, 0, whole.len, &r));
    assert_ok(s3_reader_next(r, &piece));
    first = vg_str_dup(t->rq.arena, piece);
    for (size_t i = 0; i < 3; i++)
        s3_content_drop(&t->rq, parts[i].content);
    s3_content_drop(&t->rq, other.content);
    vg_blobs_start(t->env.blobs, vg_loop_self());
    for (int i = 0; i < 500 && n_files(t) > 3; i++)
        vg_fiber_sleep(10);
    assert_int_equal(n_files(t), 3);
    struct vg_buf b;
    vg_buf_init(&b, t->rq.arena, 4u << 20);
    for (vg_buf_adds(&b, first); piece.len > 0; vg_buf_adds(&b, piece))
        assert_ok(s3_reader_next(r, &piece));
    expect_bytes(vg_buf_str(&b), whole);
    s3_reader_close(r);
    for (int i = 0; i < 500 && n_files(t) > 0; i++)
        vg_fiber_sleep(10);
    assert_int_equal(n_files(t), 0);
}

static void
a_reader_may_leave_early(struct fixture *t)
{
    struct s3_source s = written(t, text_of(t, 1000000), false);
    s3_auto_reader struct s3_reader *r = NULL;
    struct vg_str piece;
    assert_ok(s3_reader_open(&t->rq, &t->sealer, &s, 1, 5, 900000, &r));
    assert_ok(s3_reader_next(r, &piece));
    assert_true(piece.len > 0);
    s3_reader_close(NULL);
    s3_writer_close(NULL);
}

/* Neither a byte of the text nor of the same text again is the same on disk. */
static void
what_is_stored_is_sealed(struct fixture *t)
{
    struct vg_str bytes = text_of(t, 20000), one, two;
    struct s3_source a = written(t, bytes, false), b = written(t, bytes, false);
    assert_ok(vg_blob_load(t->env.blobs, a.content->blob, t->rq.arena, 1 << 20, &one, &t->err));
    assert_ok(vg_blob_load(t->env.blobs, b.content->blob, t->rq.arena, 1 << 20, &two, &t->err));
    assert_null(memmem(one.ptr, one.len, bytes.ptr + 500, 16));
    assert_memory_not_equal(one.ptr, two.ptr, 64);
    a = written(t, vg_str_slice(bytes, 0, 600), false);
    assert_null(memmem(a.small.ptr, a.small.len, bytes.ptr + 500, 16));
}

/* --- refusals -----------------------------------------------------------------------------------
 */

static void
wrong_digests_are_refused_and_leave_nothing(struct fixture *t)
{
    struct s3_written w;
    for (int large = 0; large < 2; large++) {
        struct vg_str bytes = text_of(t, large ? 300000 : 300);
        struct s3_declared d = { .size = -1, .algorithm = VG_STR("CRC32") };
        assert_error(write_in(t, &d, bytes, 9999, VG_STR("AAAAAA=="), &w), t,
                     "BadDigest: The CRC32 you specified did not match the calculated checksum.");
        assert_error(write_in(t, &d, bytes, 9999, VG_STR("AAAA"), &w), t,
                     "InvalidRequest: Value for x-amz-checksum-crc32 trailing header is invalid.");
        d.checksum = VG_STR("AAAAAA==");
        assert_error(write_in(t, &d, bytes, 9999, VG_STR_NONE, &w), t,
                     "BadDigest: The CRC32 you specified did not match the calculated checksum.");
        d.checksum = VG_STR("AAAA");
        assert_error(write_in(t, &d, bytes, 9999, VG_STR_NONE, &w), t,
                     "InvalidRequest: Value for x-amz-checksum-crc32 header is invalid.");
        d = (struct s3_declared) { .size = -1, .md5 = VG_STR("XrY7u+Ae7tCTyyK7j1rNww==") };
        assert_error(write_in(t, &d, bytes, 9999, VG_STR_NONE, &w), t,
                     "BadDigest: The Content-MD5 you specified did not match what we received.");
        d.md5 = VG_STR("XrY7u");
        assert_error(write_in(t, &d, bytes, 9999, VG_STR_NONE, &w), t,
                     "InvalidDigest: The Content-MD5 you specified was invalid.");
    }
    assert_int_equal(n_files(t), 0);
    struct s3_declared d = { .size = 11, .md5 = VG_STR("XrY7u+Ae7tCTyyK7j1rNww==") };
    assert_ok(write_in(t, &d, VG_STR("hello world"), 4, VG_STR_NONE, &w));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html: 5 GB in one put */
static void
a_put_has_a_limit(struct fixture *t)
{
    struct s3_written done;
    const uint64_t max = 5368709120;
    const struct s3_declared d = { .size = (int64_t)max + 1 };
    s3_auto_writer struct s3_writer *w = NULL;
    assert_error(write_in(t, &d, VG_STR(""), 1, VG_STR_NONE, &done), t,
                 "EntityTooLarge: Your proposed upload exceeds the maximum allowed size");
    assert_ok(s3_writer_open(&t->rq, &t->sealer, &nothing, &w));
    w->size = max - 3;
    assert_ok(s3_writer_add(w, VG_STR("abc")));
    vg_rc rc = s3_writer_add(w, VG_STR("d"));
    const struct s3_entity_too_large *detail = t->err.detail;
    assert_str(detail->proposed_size, "5368709121");
    assert_str(detail->max_size_allowed, "5368709120");
    assert_error(rc, t, "EntityTooLarge: Your proposed upload exceeds the maximum allowed size");
}

static void
a_false_size_is_no_harm(struct fixture *t)
{
    struct vg_str bytes = text_of(t, 200000), got;
    struct s3_written w;
    const struct s3_declared d = { .size = 5 };
    assert_ok(write_in(t, &d, bytes, 3000, VG_STR_NONE, &w));
    const struct s3_source s = { .content = w.content };
    assert_ok(read_all(t, &s, 1, 0, bytes.len, &got));
    expect_bytes(got, bytes);
}

/* --- damage -------------------------------------------------------------------------------------
 */

static void
expect_damage(struct fixture *t, const struct s3_source *s)
{
    struct vg_str got;
    t->err = (struct vg_err) { 0 };
    assert_int_equal(read_all(t, s, 1, 0, (uint64_t)s->content->size, &got), VG_FAIL);
    assert_null(t->err.def); /* an internal failure */
}

static void
damage_is_seen(struct fixture *t)
{
    enum { N = 300000 };
    struct s3_source s = written(t, text_of(t, N), false), other = written(t, text_of(t, N), false);
    struct vg_str path = vg_blob_path(t->env.blobs, t->rq.arena, s.content->blob), bytes;
    assert_ok(vg_file_read(t->rq.arena, path, 1 << 20, &bytes, &t->err));
    static const size_t at[] = { 0, 65535, 65551, 200000, N + 79 };
    for (size_t i = 0; i < VG_COUNT(at); i++) {
        char *bad = vg_arena_copy(t->rq.arena, bytes.ptr, bytes.len);
        bad[at[i]] = (char)(bad[at[i]] ^ 4);
        assert_ok(vg_file_write(path, vg_str_n(bad, bytes.len), 0600, &t->err));
        expect_damage(t, &s);
    }
    assert_ok(vg_file_write(path, vg_str_slice(bytes, 0, N), 0600, &t->err));
    expect_damage(t, &s);
    struct s3_rec_content mixed = *s.content;
    mixed.blob = other.content->blob;
    expect_damage(t, &(struct s3_source) { .content = &mixed });
    mixed = *s.content;
    mixed.size -= 16;
    expect_damage(t, &(struct s3_source) { .content = &mixed });
    assert_ok(vg_file_remove(path, &t->err));
    expect_damage(t, &s);
}

static void
damage_in_the_store_is_seen(struct fixture *t)
{
    struct s3_source s = written(t, text_of(t, 50), false);
    char *bad = vg_arena_copy(t->rq.arena, s.small.ptr, s.small.len);
    bad[7] ^= 1;
    expect_damage(t, &(struct s3_source) { s.content, vg_str_n(bad, s.small.len) });
    expect_damage(t, &(struct s3_source) { s.content, vg_str_slice(s.small, 0, 40) });
    expect_damage(t, &(struct s3_source) { s.content, VG_STR_NONE });
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void
an_account_has_one_master_key(struct fixture *t)
{
    uint8_t one[S3_KEY_BYTES], again[S3_KEY_BYTES], other[S3_KEY_BYTES];
    assert_ok(s3_store_master_key(&t->rq, VG_STR("000000000000"), one));
    assert_ok(s3_store_master_key(&t->rq, VG_STR("000000000000"), again));
    assert_ok(s3_store_master_key(&t->rq, VG_STR("111111111111"), other));
    assert_memory_equal(one, again, sizeof(one));
    assert_memory_not_equal(one, other, sizeof(one));
    s3_service.fini(t->svc); /* the store has it, not the cache */
    assert_ok(s3_service.init(&t->env, &t->svc, &t->err));
    t->rq.svc = t->svc;
    assert_ok(s3_store_master_key(&t->rq, VG_STR("000000000000"), again));
    assert_memory_equal(one, again, sizeof(one));
}

static void
only_the_key_that_sealed_opens(struct fixture *t)
{
    static const uint8_t own[S3_KEY_BYTES] = "a customer's key, 32 bytes long",
                         wrong[S3_KEY_BYTES] = "another customer's key, also 32";
    struct vg_str bytes = text_of(t, 100000), got;
    struct s3_source s = written(t, bytes, false);
    t->sealer.account = VG_STR("111111111111");
    expect_damage(t, &s);
    t->sealer.own = own;
    expect_damage(t, &s);
    s = written(t, bytes, false);
    assert_ok(read_all(t, &s, 1, 0, bytes.len, &got));
    expect_bytes(got, bytes);
    t->sealer.own = wrong;
    expect_damage(t, &s);
    t->sealer.own = NULL;
    expect_damage(t, &s);
}

/* --- faults -------------------------------------------------------------------------------------
 */

/* Each write and sync fails once: an internal failure, and no file stays. */
static void
a_failed_write_leaves_nothing(struct fixture *t)
{
    static const char *const points[] = { "store.blob.write", "store.blob.sync" };
    struct vg_str bytes = text_of(t, 500000);
    struct s3_written w;
    for (size_t p = 0; p < VG_COUNT(points); p++) {
        bool is_over = false;
        for (int nth = 1; !is_over; nth++) {
            struct vg_str spec = vg_str_fmt(t->rq.arena, "%s=fail@%d", points[p], nth);
            assert_true(nth < 100);
            assert_ok(vg_fault_setup(spec, &t->err));
            t->err = (struct vg_err) { 0 };
            vg_rc rc = write_in(t, &nothing, bytes, 40000, VG_STR_NONE, &w);
            is_over = vg_fault_count(points[p]) < (uint64_t)nth;
            assert_ok(vg_fault_setup(VG_STR(""), &t->err));
            assert_int_equal(rc, is_over ? VG_OK : VG_FAIL);
            assert_null(t->err.def);
            assert_int_equal(n_files(t), is_over);
            assert_true(nth > 1 || !is_over); /* the point was met */
            vg_sess_init(&t->sess, t->env.kv, t->rq.arena);
        }
        s3_content_drop(&t->rq, w.content);
        assert_ok(vg_kv_gate(&t->sess, &t->err));
        vg_blobs_close(t->env.blobs); /* a start sweeps what was dropped */
        assert_ok(vg_blobs_open(t->dir, t->env.kv, t->env.random, &t->env.blobs, &t->err));
        assert_int_equal(n_files(t), 0);
    }
}

static void
a_failed_read_is_an_internal_failure(struct fixture *t)
{
    struct s3_source s = written(t, text_of(t, 300000), false);
    for (int nth = 1; nth <= 5; nth++) {
        struct vg_str spec = vg_str_fmt(t->rq.arena, "store.blob.read=fail@%d", nth);
        assert_ok(vg_fault_setup(spec, &t->err));
        expect_damage(t, &s);
        assert_ok(vg_fault_setup(VG_STR(""), &t->err));
    }
}

static void
an_abandoned_writer_leaves_nothing(struct fixture *t)
{
    struct s3_writer *w = NULL;
    assert_ok(s3_writer_open(&t->rq, &t->sealer, &nothing, &w));
    assert_ok(s3_writer_add(w, text_of(t, 700000)));
    assert_int_equal(n_files(t), 1);
    s3_writer_close(w);
    assert_int_equal(n_files(t), 0);
}

/* --- many at once -------------------------------------------------------------------------------
 */

struct many {
    struct fixture *t;
    int left;
    struct vg_waiter all;
};

static void
one_of_many(void *arg)
{
    struct many *m = arg;
    struct vg_req rq = m->t->rq;
    struct vg_sess sess;
    struct vg_err err = { 0 };
    struct fixture own = *m->t;
    rq.arena = vg_arena_new(0);
    vg_sess_init(&sess, m->t->env.kv, rq.arena);
    rq.sess = &sess;
    rq.err = &err;
    own.rq = rq;
    struct vg_str bytes = text_of(&own, 900000 + 1000 * (size_t)m->left), got;
    struct s3_written w;
    assert_ok(write_in(&own, &nothing, bytes, 16384, VG_STR_NONE, &w));
    const struct s3_source s = { .content = w.content };
    assert_true(vg_str_eq(w.etag, vg_md5_hex(rq.arena, bytes)));
    assert_ok(read_all(&own, &s, 1, 0, bytes.len, &got));
    expect_bytes(got, bytes);
    vg_arena_free(rq.arena);
    if (--m->left == 0)
        vg_waiter_wake(&m->all, VG_OK);
}

static void
many_write_and_read_at_once(struct fixture *t)
{
    struct many m = { .t = t, .left = 12 };
    if (vg_fiber_self() == NULL)
        return;
    vg_waiter_init(&m.all);
    for (int i = 0; i < 12; i++)
        vg_fiber_start(vg_loop_self(), one_of_many, &m);
    assert_ok(vg_waiter_park(&m.all, VG_NEVER_MS, false));
}

/* cmocka's tests carry a pointer to data: here to the function itself. */
#define ON(name)                                                                                   \
    {                                                                                              \
#name, everywhere, NULL, NULL, &(struct named)                                             \
        {                                                                                          \
            name                                                                                   \
        }                                                                                          \
    }

/* What there is beyond everybody's own slots is taken by others. */
static void
own_slots_are_enough(struct fixture *t) VG_WAITS
{
    struct s3_slots *pool = ((struct s3 *)t->rq.svc)->slots;
    uint8_t *others[S3_SLOTS_AHEAD_MAX];
    for (size_t i = 0; i < VG_COUNT(others); i++)
        assert_non_null(others[i] = s3_slot_take(pool, true));
    assert_null(s3_slot_take(pool, true));
    struct vg_str text = text_of(t, 40 * VG_SEGMENT_BYTES + 1), got;
    struct s3_source s = written(t, text, false);
    assert_ok(read_all(t, &s, 1, 0, text.len, &got));
    expect_bytes(got, text);
    for (size_t i = 0; i < VG_COUNT(others); i++)
        s3_slot_give(pool, others[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(what_was_written_is_read),
        ON(each_algorithm_gives_its_checksum),
        ON(any_range_of_any_parts_is_read),
        ON(dropped_parts_are_read_to_their_end),
        ON(a_reader_may_leave_early),
        ON(what_is_stored_is_sealed),
        ON(wrong_digests_are_refused_and_leave_nothing),
        ON(a_put_has_a_limit),
        ON(a_false_size_is_no_harm),
        ON(damage_is_seen),
        ON(damage_in_the_store_is_seen),
        ON(an_account_has_one_master_key),
        ON(only_the_key_that_sealed_opens),
        ON(a_failed_write_leaves_nothing),
        ON(a_failed_read_is_an_internal_failure),
        ON(an_abandoned_writer_leaves_nothing),
        ON(many_write_and_read_at_once),
        ON(own_slots_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
