/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of core/check.h, with a service that refers to what a test says. */

#include "base/buf.h"
#include "base/test.h"
#include "core/call.h"
#include "core/check.h"
#include "crypto/random.h"
#include "os/file.h"
#include "store/blob.h"
#include "store/key.h"

#include <stdlib.h>

struct fix {
    struct vg_arena *arena;
    struct vg_env env;
    struct vg_config config;
    struct vg_str dir;
    struct vg_sess sess;
    struct vg_err err;
    struct vg_check ck;
    struct vg_buf lines;
};

static void
on_found(void *arg, enum vg_finding kind, struct vg_str line)
{
    struct fix *f = arg;
    vg_buf_addf(&f->lines, "%s %" VG_FMT "\n", kind == VG_FINDING_ERROR ? "error" : "orphan",
                VG_ARG(line));
}

/* --- a service: partition ("toy"), keys any, values ids of content files ------------------------
 */

static void
on_row(struct vg_req *rq, const struct vg_walk_row *row, void *arg)
{
    struct vg_check *ck = arg;
    assert_true(rq->arena != NULL && vg_str_eq(rq->scope->owner, VG_STR("000000000000")));
    if (row->value.len)
        vg_check_refer(ck, row->value);
    else
        vg_check_lost(ck, row->key, "does not decode");
    vg_check_count(ck, "toys", 1);
}

static void
check_toys(struct vg_check *ck)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    vg_check_rows(ck, vg_key_of(arena, VG_STR("toy")), on_row, ck);
    vg_check_read(ck, 7);
}

static const struct vg_service toy = { .name = "toy", .check = check_toys };
static const struct vg_service none = { .name = "none" };

/* --- fixture ------------------------------------------------------------------------------------
 */

static int
setup(void **state)
{
    struct fix *f = vg_xalloc(sizeof(*f));
    char dir[] = "/tmp/vg_check_XXXXXX";
    assert_non_null(mkdtemp(dir));
    f->arena = vg_arena_new(0);
    f->dir = vg_str_dup(f->arena, vg_str_of(dir));
    f->config =
        (struct vg_config) { .account = VG_STR("000000000000"), .region = VG_STR("us-east-1") };
    f->env.config = &f->config;
    f->env.random = vg_random_new(1, NULL);
    assert_ok(vg_kv_open_mem(&f->env.kv, &f->err));
    assert_ok(vg_blobs_open(f->dir, f->env.kv, f->env.random, &f->env.blobs, &f->err));
    vg_sess_init(&f->sess, f->env.kv, f->arena);
    vg_check_init(&f->ck, &f->env, on_found, f);
    vg_buf_init(&f->lines, f->arena, 1u << 20);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    vg_check_fini(&f->ck);
    vg_blobs_close(f->env.blobs);
    vg_kv_close(f->env.kv);
    vg_random_free(f->env.random);
    assert_ok(vg_dir_remove(f->dir, &f->err));
    vg_arena_free(f->arena);
    free(f);
    return 0;
}

static struct vg_tx *
begin(struct fix *f)
{
    struct vg_tx *tx;
    assert_ok(vg_kv_begin(&f->sess, NULL, 0, &tx, &f->err));
    return tx;
}

static void
put(struct fix *f, const char *key, struct vg_str value)
{
    struct vg_tx *tx = begin(f);
    vg_tx_put(tx, vg_key_of(f->arena, VG_STR("toy")), vg_str_of(key), value);
    assert_ok(vg_tx_commit(&tx, &f->err));
}

/* A content file that is kept, or else waits to be removed. */
static struct vg_str
file(struct fix *f, bool is_kept)
{
    struct vg_str id;
    assert_ok(vg_blob_store(f->env.blobs, &f->sess, VG_STR("x"), &id, &f->err));
    struct vg_tx *tx = begin(f);
    if (is_kept)
        vg_blob_keep(tx, id);
    assert_ok(vg_tx_commit(&tx, &f->err));
    return id;
}

static struct vg_str
check(struct fix *f)
{
    vg_check_service(&f->ck, &none);
    vg_check_service(&f->ck, &toy);
    vg_check_files(&f->ck);
    return vg_buf_str(&f->lines);
}

static void
assert_text(struct vg_str got, struct vg_str want)
{
    if (!vg_str_eq(got, want))
        fail_msg("got \"%" VG_FMT "\", want \"%" VG_FMT "\"", VG_ARG(got), VG_ARG(want));
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void
what_is_referred_to_or_pending_is_no_orphan(void **state)
{
    struct fix *f = *state;
    put(f, "a", file(f, true));
    put(f, "b", file(f, true));
    (void)file(f, false);
    assert_str(check(f), "");
    assert_int_equal(f->ck.n_counts, 1);
    assert_string_equal(f->ck.counts[0].what, "toys");
    assert_int_equal(f->ck.counts[0].n, 2);
    assert_int_equal(f->ck.n_bytes, 7);
    assert_int_equal(f->ck.n_pending, 1);
    assert_int_equal(f->ck.n_errors + f->ck.n_orphans, 0);
}

static void
what_nothing_refers_to_is_an_orphan(void **state)
{
    struct fix *f = *state;
    struct vg_str id = file(f, true);
    assert_text(check(f),
                vg_str_fmt(f->arena,
                           "orphan store: content file %" VG_FMT ": no record refers to it\n",
                           VG_ARG(id)));
    assert_int_equal(f->ck.n_orphans, 1);
    assert_int_equal(f->ck.n_errors, 0);
}

static void
strange_files_are_orphans(void **state)
{
    struct fix *f = *state;
    assert_ok(vg_file_write(vg_str_cat(f->arena, f->dir, VG_STR("/blobs/README")), VG_STR("x"),
                            0600, &f->err));
    assert_str(check(f), "orphan store: blobs/README is no content file\n");
}

static void
orphans_are_not_told_when_a_record_is_lost(void **state)
{
    struct fix *f = *state;
    (void)file(f, true);
    put(f, "a", VG_STR(""));
    assert_str(check(f), "error toy a: does not decode\n");
    assert_true(f->ck.is_blind);
    assert_int_equal(f->ck.n_orphans, 0);
}

static void
a_file_of_two_records_and_one_that_would_be_removed_are_errors(void **state)
{
    struct fix *f = *state;
    struct vg_str two = file(f, true);
    put(f, "a", two);
    put(f, "b", two);
    assert_text(check(f),
                vg_str_fmt(f->arena,
                           "error store: content file %" VG_FMT ": 2 records refer to it\n",
                           VG_ARG(two)));
}

static void
a_file_that_would_be_removed_is_an_error(void **state)
{
    struct fix *f = *state;
    struct vg_str id = file(f, false);
    put(f, "a", id);
    assert_text(check(f),
                vg_str_fmt(f->arena,
                           "error store: content file %" VG_FMT
                           ": a record refers to it, but the next start would remove it\n",
                           VG_ARG(id)));
}

/* Whoever names a key chooses what a terminal is sent. */
static void
lines_have_no_control_characters(void **state)
{
    struct fix *f = *state;
    vg_check_error(&f->ck, vg_str_n("a\n\x1b[2Jb\0c\\", 10), "one\ttwo %d", 3);
    vg_check_error(&f->ck,
                   VG_STR("\xc2\x9b"
                          "31m\xc3\xa9\xff\xe2\x82\xac\x7f\xf0\x9f\x98"),
                   "x");
    assert_str(vg_buf_str(&f->lines),
               "error store a\\x0a\\x1b[2Jb\\x00c\\\\: one\\x09two 3\n"
               "error store \\xc2\\x9b31m\xc3\xa9\\xff\xe2\x82\xac\\x7f\\xf0\\x9f\\x98: x\n");
    assert_int_equal(f->ck.n_errors, 2);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(what_is_referred_to_or_pending_is_no_orphan),
        ON(what_nothing_refers_to_is_an_orphan),
        ON(strange_files_are_orphans),
        ON(orphans_are_not_told_when_a_record_is_lost),
        ON(a_file_of_two_records_and_one_that_would_be_removed_are_errors),
        ON(a_file_that_would_be_removed_is_an_error),
        ON(lines_have_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
