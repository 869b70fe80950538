/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations are the rules of store/blob.h. */
#include "base/fault.h"
#include "base/test.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "store/blob.h"
#include "store/key.h"
#include "store/kv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct fix {
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_kv *kv;
    struct vg_random *random;
    struct vg_blobs *blobs;
    struct vg_sess s;
    struct vg_err err;
};

static void
open_all(struct fix *f)
{
    assert_ok(vg_kv_open_rocks(&(struct vg_kv_options) { .path = f->dir }, &f->kv, &f->err));
    if (vg_blobs_open(f->dir, f->kv, f->random, &f->blobs, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    vg_sess_init(&f->s, f->kv, f->arena);
}

static void
close_all(struct fix *f)
{
    vg_blobs_close(f->blobs);
    vg_kv_close(f->kv);
}

static int
setup(void **state)
{
    struct fix *f = vg_xalloc(sizeof(*f));
    char dir[] = "/tmp/vg_blob_XXXXXX";
    assert_non_null(mkdtemp(dir));
    f->arena = vg_arena_new(0);
    f->dir = vg_str_dup(f->arena, vg_str_of(dir));
    f->random = vg_random_new(1, NULL);
    open_all(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    assert_ok(vg_fault_setup(VG_STR(""), &f->err));
    close_all(f);
    vg_random_free(f->random);
    assert_ok(vg_dir_remove(f->dir, &f->err));
    vg_arena_free(f->arena);
    free(f);
    return 0;
}

static struct vg_tx *
begin(struct fix *f)
{
    struct vg_str part = vg_key_of(f->arena, VG_STR("svc"));
    struct vg_tx *tx;
    assert_ok(vg_kv_begin(&f->s, &part, 1, &tx, &f->err));
    return tx;
}

static void
keep(struct fix *f, struct vg_str id)
{
    struct vg_tx *tx = begin(f);
    vg_tx_put(tx, vg_key_of(f->arena, VG_STR("svc")), VG_STR("ref"), id);
    vg_blob_keep(tx, id);
    assert_ok(vg_tx_commit(&tx, &f->err));
}

static bool
is_there(struct fix *f, struct vg_str id)
{
    return vg_file_exists(vg_blob_path(f->blobs, f->arena, id));
}

static void
what_was_written_can_be_read_in_pieces_and_whole(void **state)
{
    struct fix *f = *state;
    struct vg_blob_writer *w;
    struct vg_str id, all;
    assert_ok(vg_blob_create(f->blobs, &w, &f->err));
    assert_ok(vg_blob_write(w, VG_STR("hello "), &f->err));
    assert_ok(vg_blob_write(w, VG_STR(""), &f->err));
    assert_ok(vg_blob_write(w, VG_STR("world"), &f->err));
    assert_ok(vg_blob_finish(&w, &f->s, &id, &f->err));
    assert_null(w);
    keep(f, id);
    close_all(f);
    open_all(f);
    struct vg_blob *b;
    char buf[16];
    size_t n;
    assert_ok(vg_blob_open(f->blobs, id, &b, &f->err));
    assert_int_equal(vg_blob_size(b), 11);
    assert_ok(vg_blob_read(b, 6, buf, sizeof(buf), &n, &f->err));
    assert_str(vg_str_n(buf, n), "world");
    assert_ok(vg_blob_read(b, 2, buf, 3, &n, &f->err));
    assert_str(vg_str_n(buf, n), "llo");
    assert_ok(vg_blob_read(b, 11, buf, 3, &n, &f->err));
    assert_int_equal(n, 0);
    vg_blob_close(b);
    assert_ok(vg_blob_load(f->blobs, id, f->arena, 11, &all, &f->err));
    assert_str(all, "hello world");
    assert_int_equal(vg_blob_load(f->blobs, id, f->arena, 10, &all, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EFBIG);
}

static void
names_that_are_no_ids_are_not_found(void **state)
{
    struct fix *f = *state;
    const struct vg_str bad[] = { VG_STR(""), VG_STR("../../etc/passwd"),
                                  VG_STR("../aaaaaaaaaaaaaaaaaaaaaaa"),
                                  VG_STR("abcdefghijklmnopqrstuvwxyz") };
    for (size_t i = 0; i < VG_COUNT(bad); i++) {
        struct vg_blob *b;
        assert_int_equal(vg_blob_open(f->blobs, bad[i], &b, &f->err), VG_FAIL);
        assert_int_equal(f->err.os_errno, ENOENT);
    }
}

static void
what_nobody_kept_goes_at_the_next_start(void **state)
{
    struct fix *f = *state;
    struct vg_str kept, lost;
    assert_ok(vg_blob_store(f->blobs, &f->s, VG_STR("kept"), &kept, &f->err));
    assert_ok(vg_blob_store(f->blobs, &f->s, VG_STR("lost"), &lost, &f->err));
    keep(f, kept);
    assert_true(is_there(f, lost));
    close_all(f);
    open_all(f);
    assert_true(is_there(f, kept));
    assert_false(is_there(f, lost));
}

static void
count_one(void *arg, struct vg_str id)
{
    (void)id;
    ++*(int *)arg;
}

static int
n_pending(struct fix *f)
{
    int n = 0;
    assert_ok(vg_blobs_each_pending(f->blobs, count_one, &n, &f->err));
    return n;
}

static struct vg_blob_writer *
begun(struct fix *f)
{
    struct vg_blob_writer *w;
    assert_ok(vg_blob_create(f->blobs, &w, &f->err));
    assert_ok(vg_blob_write(w, VG_STR("hello "), &f->err));
    return w;
}

/* The order of the parts does not matter. */
static void
a_file_can_have_its_name_before_it_is_whole(void **state)
{
    struct fix *f = *state;
    struct vg_blob_writer *w = begun(f);
    struct vg_str id, all;
    assert_ok(vg_blob_name(w, &f->s, &f->err));
    assert_int_equal(n_pending(f), 1);
    assert_ok(vg_blob_write(w, VG_STR("world"), &f->err));
    assert_ok(vg_blob_sync(w, &f->err));
    assert_ok(vg_blob_name(w, &f->s, &f->err)); /* it has it */
    assert_ok(vg_blob_finish(&w, &f->s, &id, &f->err));
    assert_int_equal(n_pending(f), 1);
    keep(f, id);
    assert_int_equal(n_pending(f), 0);
    close_all(f);
    open_all(f);
    assert_ok(vg_blob_load(f->blobs, id, f->arena, 100, &all, &f->err));
    assert_str(all, "hello world");
}

static void
expect_there(void *arg, struct vg_str id)
{
    struct fix *f = arg;
    assert_true(is_there(f, id));
}

static void
what_has_a_name_and_is_discarded_leaves_nothing(void **state)
{
    struct fix *f = *state;
    struct vg_blob_writer *w = begun(f);
    int n = 0;
    assert_ok(vg_blob_name(w, &f->s, &f->err));
    assert_ok(vg_blobs_each_pending(f->blobs, expect_there, f, &f->err));
    vg_blob_discard(w);
    assert_int_equal(n_pending(f), 0);
    assert_ok(vg_blobs_each_file(f->blobs, count_one, &n, &f->err));
    assert_int_equal(n, 0);
}

static void
failures_leave_nothing(void **state)
{
    struct fix *f = *state;
    const struct vg_str points[] = { VG_STR("store.blob.write=fail"),
                                     VG_STR("store.blob.sync=fail") };
    for (size_t i = 0; i < VG_COUNT(points); i++) {
        struct vg_str id;
        assert_ok(vg_fault_setup(points[i], &f->err));
        assert_int_equal(vg_blob_store(f->blobs, &f->s, VG_STR("x"), &id, &f->err), VG_FAIL);
        assert_ok(vg_fault_setup(VG_STR(""), &f->err));
    }
    struct vg_str tmp = vg_str_cat(f->arena, f->dir, VG_STR("/blobs/tmp"));
    assert_int_equal(rmdir(vg_str_cstr(f->arena, tmp)), 0); /* it is empty */
    assert_ok(vg_dir_make(tmp, 0700, &f->err));
}

struct drop_run {
    struct fix *f;
    struct vg_loop *loop;
};

static void
until_gone(struct fix *f, struct vg_str id)
{
    for (int i = 0; i < 500 && is_there(f, id); i++)
        vg_fiber_sleep(10);
    assert_false(is_there(f, id));
}

static void
drop_fiber(void *arg)
{
    struct drop_run *r = arg;
    struct fix *f = r->f;
    struct vg_str id;
    vg_blobs_start(f->blobs, r->loop);
    assert_ok(vg_blob_store(f->blobs, &f->s, VG_STR("to be dropped"), &id, &f->err));
    keep(f, id);
    struct vg_blob *b;
    assert_ok(vg_blob_open(f->blobs, id, &b, &f->err));

    struct vg_tx *tx = begin(f); /* an abort drops nothing */
    vg_blob_drop(f->blobs, tx, id);
    vg_tx_abort(tx);
    vg_fiber_sleep(120); /* the sweeper pauses before it looks */
    assert_true(is_there(f, id));

    tx = begin(f);
    vg_blob_drop(f->blobs, tx, id);
    assert_ok(vg_tx_commit(&tx, &f->err));
    until_gone(f, id);
    char buf[8];
    size_t n;
    assert_ok(vg_blob_read(b, 0, buf, 5, &n, &f->err)); /* who has it open reads on */
    assert_str(vg_str_n(buf, n), "to be");
    vg_blob_close(b);
    vg_loop_stop(r->loop);
}

static void
what_is_dropped_is_unlinked_once_that_is_durable(void **state)
{
    struct drop_run r = { .f = *state, .loop = vg_loop_new(0) };
    vg_fiber_start(r.loop, drop_fiber, &r);
    vg_loop_run(r.loop);
    vg_loop_free(r.loop);
}

static struct vg_str
dropped(struct fix *f, const char *text)
{
    struct vg_str id;
    assert_ok(vg_blob_store(f->blobs, &f->s, vg_str_of(text), &id, &f->err));
    keep(f, id);
    struct vg_tx *tx = begin(f);
    vg_blob_drop(f->blobs, tx, id);
    assert_ok(vg_tx_commit(&tx, &f->err));
    return id;
}

/* The sweeper starts last, so that all is dropped before it looks; what is not held goes at once.
 */
static void
hold_fiber(void *arg)
{
    struct drop_run *r = arg;
    struct fix *f = r->f;
    struct vg_blob_hold one, two;
    const struct vg_str ids[] = { dropped(f, "a"), dropped(f, "b"), dropped(f, "c") };
    vg_blobs_hold(f->blobs, &one, ids, 2);
    vg_blobs_hold(f->blobs, &two, ids + 1, 1);
    vg_blobs_start(f->blobs, r->loop);
    until_gone(f, ids[2]);
    assert_true(is_there(f, ids[0]));
    vg_blobs_release(f->blobs, &one);
    until_gone(f, ids[0]);
    assert_true(is_there(f, ids[1]));
    vg_blobs_release(f->blobs, &two);
    until_gone(f, ids[1]);
    vg_loop_stop(r->loop);
}

static void
what_is_held_stays_until_it_is_released(void **state)
{
    struct drop_run r = { .f = *state, .loop = vg_loop_new(0) };
    vg_fiber_start(r.loop, hold_fiber, &r);
    vg_loop_run(r.loop);
    vg_loop_free(r.loop);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(what_was_written_can_be_read_in_pieces_and_whole),
        ON(names_that_are_no_ids_are_not_found),
        ON(what_nobody_kept_goes_at_the_next_start),
        ON(a_file_can_have_its_name_before_it_is_whole),
        ON(what_has_a_name_and_is_discarded_leaves_nothing),
        ON(failures_leave_nothing),
        ON(what_is_dropped_is_unlinked_once_that_is_durable),
        ON(what_is_held_stays_until_it_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
