/* SPDX-License-Identifier: Apache-2.0 */

/* What kv.h and docs/internals/store.md promise when reads, writes, fsyncs, files or the disk's
 * room fail. */

#include "base/fault.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "store/key.h"
#include "store/kv_int.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Everything here runs on RocksDB: opening again must find what was written. */
struct fix {
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_kv *kv;
    struct vg_sess s;
    struct vg_err err;
};

static struct vg_str part_p;

static void
arm(const char *spec)
{
    struct vg_err err;
    assert_ok(vg_fault_setup(vg_str_of(spec), &err));
}

static void
open_kv(struct fix *f)
{
    if (vg_kv_open_rocks(&(struct vg_kv_options) { .path = f->dir }, &f->kv, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    vg_sess_init(&f->s, f->kv, f->arena);
}

static int
setup(void **state)
{
    struct fix *f = vg_xalloc(sizeof(*f));
    char dir[] = "/tmp/vg_fault_XXXXXX";
    assert_non_null(mkdtemp(dir));
    f->arena = vg_arena_new(0);
    f->dir = vg_str_dup(f->arena, vg_str_of(dir));
    part_p = vg_key_of(f->arena, VG_STR("p"));
    arm("none=fail"); /* so that the engine is wrapped */
    open_kv(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    arm("");
    vg_kv_close(f->kv);
    assert_ok(vg_dir_remove(f->dir, &f->err));
    vg_arena_free(f->arena);
    free(f);
    return 0;
}

/* Commits one or two keys in one transaction; "" for none. Then waits at the gate. */
static vg_rc
put(struct fix *f, const char *a, const char *b, const char *value, bool do_gate)
{
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(&f->s, &part_p, 1, &tx, &f->err);
    if (rc != VG_OK)
        return rc;
    vg_tx_put(tx, part_p, vg_str_of(a), vg_str_of(value));
    if (*b)
        vg_tx_put(tx, part_p, vg_str_of(b), vg_str_of(value));
    rc = vg_tx_commit(&tx, &f->err);
    return rc == VG_OK && do_gate ? vg_kv_gate(&f->s, &f->err) : rc;
}

/* In a transaction that makes room. */
static vg_rc
del(struct fix *f, const char *key)
{
    struct vg_tx *tx;
    assert_ok(vg_kv_begin(&f->s, &part_p, 1, &tx, &f->err));
    vg_tx_del(tx, part_p, vg_str_of(key));
    vg_tx_use_reserve(tx);
    return vg_tx_commit(&tx, &f->err);
}

static struct vg_str
get(struct fix *f, const char *key)
{
    struct vg_str v = VG_STR_NONE;
    if (vg_kv_get(&f->s, part_p, vg_str_of(key), &v, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    return v;
}

/* The store answers again; at most five seconds. */
static void
wait_mended(struct fix *f)
{
    int64_t until_ms = vg_mono_ms() + 5000;
    while (f->kv->is_broken && vg_mono_ms() < until_ms)
        usleep(1000);
    assert_false(f->kv->is_broken);
    vg_sess_init(&f->s, f->kv, f->arena);
}

/* --- calls that fail ----------------------------------------------------------------------------
 */

static void
a_failed_read_is_an_error_of_that_read_only(void **state)
{
    struct fix *f = *state;
    struct vg_str v;
    struct vg_page page;
    assert_ok(put(f, "a", "", "1", true));
    arm("store.engine.get=fail@1,store.engine.iter=fail@1");
    assert_int_equal(vg_kv_get(&f->s, part_p, VG_STR("a"), &v, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EIO);
    assert_int_equal(vg_kv_scan(&f->s, part_p, &(struct vg_range) { 0 }, &page, &f->err), VG_FAIL);
    assert_str(get(f, "a"), "1");
    assert_int_equal(vg_kv_epoch(f->kv), 0);
}

static void
a_failed_fsync_acknowledges_nothing_and_the_store_opens_again(void **state)
{
    struct fix *f = *state;
    assert_ok(put(f, "old", "", "1", true));
    arm("store.engine.sync=fail@1");
    assert_int_equal(put(f, "new", "", "1", true), VG_FAIL);
    assert_int_equal(f->err.os_errno, EIO);
    assert_non_null(strstr(f->err.msg, "the disk failed before this was durable"));
    wait_mended(f);
    assert_int_equal(vg_kv_epoch(f->kv), 1);
    assert_str(get(f, "old"), "1");
    assert_ok(put(f, "new", "", "2", true));
    assert_str(get(f, "new"), "2");
}

static void
a_failed_write_leaves_all_or_nothing(void **state)
{
    struct fix *f = *state;
    const char *const specs[] = { "store.engine.write=fail@1", "store.engine.write.after=fail@1" };
    for (size_t i = 0; i < VG_COUNT(specs); i++) {
        assert_ok(put(f, "a", "b", "before", true));
        arm(specs[i]);
        assert_int_equal(put(f, "a", "b", "after", true), VG_FAIL);
        wait_mended(f);
        assert_true(vg_str_eq(get(f, "a"), get(f, "b")));
        assert_ok(put(f, "c", "", "1", true));
    }
    assert_int_equal(vg_kv_epoch(f->kv), 2);
}

/* Those that waited are told while others write again already. */
static void
what_is_written_after_an_opening_is_none_of_its_failures(void **state)
{
    struct fix *f = *state;
    assert_ok(put(f, "a", "", "1", true));
    arm("store.engine.write=fail@1,store.gate.opened=delay:300");
    assert_int_equal(put(f, "a", "", "2", true), VG_FAIL);
    wait_mended(f);
    assert_ok(put(f, "a", "", "3", true));
    assert_int_equal(vg_fault_count("store.gate.opened"), 1);
}

static void
while_the_disk_stays_broken_everything_fails_and_then_it_goes_on(void **state)
{
    struct fix *f = *state;
    struct vg_str v;
    assert_ok(put(f, "a", "", "1", true));
    arm("store.engine.sync=fail,store.open=fail");
    assert_int_equal(put(f, "a", "", "2", true), VG_FAIL);
    for (int i = 0; i < 3; i++) {
        vg_sess_init(&f->s, f->kv, f->arena);
        assert_int_equal(put(f, "b", "", "x", true), VG_FAIL);
        assert_int_equal(vg_kv_get(&f->s, part_p, VG_STR("a"), &v, &f->err), VG_FAIL);
        assert_non_null(strstr(f->err.msg, "the store is closed after a disk error"));
        usleep(300000);
    }
    arm("none=fail");
    wait_mended(f);
    assert_ok(put(f, "b", "", "1", true));
    assert_int_equal(vg_str_eq(get(f, "a"), VG_STR("1")) || vg_str_eq(get(f, "a"), VG_STR("2")), 1);
}

/* It has seen what may be lost: an answer built on it must not leave. */
static void
who_saw_what_may_be_lost_fails_at_the_gate(void **state)
{
    struct fix *f = *state;
    struct vg_sess reader, later;
    struct vg_str v;
    struct vg_err err;
    assert_ok(put(f, "a", "", "1", false));
    vg_sess_init(&reader, f->kv, f->arena);
    assert_ok(vg_kv_get(&reader, part_p, VG_STR("a"), &v, &err));
    assert_true(reader.seen_seq > 0);
    arm("store.engine.sync=fail@1");
    assert_int_equal(vg_kv_gate(&f->s, &f->err), VG_FAIL);
    wait_mended(f);
    /* Even when it has seen something durable of the new time since. */
    assert_ok(put(f, "b", "", "1", true));
    assert_ok(vg_kv_get(&reader, part_p, VG_STR("b"), &v, &err));
    assert_int_equal(vg_kv_gate(&reader, &err), VG_FAIL);
    assert_ok(vg_kv_gate(&reader, &err)); /* the error itself may leave */
    vg_sess_init(&later, f->kv, f->arena);
    assert_ok(vg_kv_get(&later, part_p, VG_STR("b"), &v, &err));
    assert_ok(vg_kv_gate(&later, &err));
}

static void
open_views_and_transactions_end_with_the_old_store(void **state)
{
    struct fix *f = *state;
    struct vg_snap *snap;
    struct vg_tx *tx;
    struct vg_sess other;
    struct vg_str v, q = vg_key_of(f->arena, VG_STR("q"));
    struct vg_err err;
    vg_sess_init(&other, f->kv, f->arena);
    assert_ok(vg_snap_open(&other, &snap, &err));
    assert_ok(vg_kv_begin(&other, &q, 1, &tx, &err));
    vg_tx_put(tx, q, VG_STR("k"), VG_STR("v"));
    arm("store.engine.sync=fail@1");
    assert_int_equal(put(f, "a", "", "1", true), VG_FAIL);
    wait_mended(f);
    assert_int_equal(vg_snap_get(snap, part_p, VG_STR("a"), &v, &err), VG_FAIL);
    assert_non_null(strstr(err.msg, "the view is gone"));
    vg_snap_close(snap);
    assert_int_equal(vg_tx_commit(&tx, &err), VG_FAIL);
    assert_ok(vg_kv_get(&f->s, q, VG_STR("k"), &v, &f->err));
    assert_null(v.ptr);
}

static void
a_stalled_write_is_waited_for(void **state)
{
    struct fix *f = *state;
    arm("store.engine.stall=fail@1");
    assert_ok(put(f, "a", "", "1", true));
    assert_int_equal(vg_fault_count("store.engine.stall"), 1);
    assert_str(get(f, "a"), "1");
}

/* STYLE 4.4: the first, second … call fails, once or for good; then all is well again, and what was
 * acknowledged is there. */
static void
whichever_call_fails_nothing_acknowledged_is_lost(void **state)
{
    struct fix *f = *state;
    for (int n = 1; n <= 16; n++) {
        for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
            char spec[64], a[16], b[16];
            snprintf(spec, sizeof(spec), "store.engine.*=fail@%d%s", n, is_lasting ? "+" : "");
            arm(spec);
            bool is_acked[4];
            for (int i = 0; i < 4; i++) {
                struct vg_page page;
                struct vg_str v;
                snprintf(a, sizeof(a), "a%d.%d.%d", n, is_lasting, i);
                snprintf(b, sizeof(b), "b%d.%d.%d", n, is_lasting, i);
                vg_sess_init(&f->s, f->kv, f->arena);
                is_acked[i] = put(f, a, b, "1", true) == VG_OK;
                (void)!vg_kv_get(&f->s, part_p, VG_STR("x"), &v, &f->err);
                (void)!vg_kv_scan(&f->s, part_p, &(struct vg_range) { .max = 2 }, &page, &f->err);
            }
            arm("none=fail");
            wait_mended(f);
            for (int i = 0; i < 4; i++) {
                snprintf(a, sizeof(a), "a%d.%d.%d", n, is_lasting, i);
                snprintf(b, sizeof(b), "b%d.%d.%d", n, is_lasting, i);
                struct vg_str va = get(f, a), vb = get(f, b);
                assert_true((va.ptr == NULL) == (vb.ptr == NULL));
                assert_true(va.ptr != NULL || !is_acked[i]);
            }
        }
    }
}

/* --- many at once, while the disk fails now and then --------------------------------------------
 */

enum { LOOPS = 2, MOVERS = 12, MOVES = 120, ACCOUNTS = 6 };

struct bank {
    struct vg_kv *kv;
    struct vg_loop *loops[LOOPS];
    _Atomic int running, acked, tried, failed;
};

struct mover {
    struct bank *bank;
    unsigned dice;
};

static struct vg_str
account(struct vg_arena *a, unsigned i)
{
    return vg_key_of(a, VG_STR("acct"), vg_str_fmt(a, "%u", i));
}

static vg_rc
move_once(struct mover *m, struct vg_arena *a) VG_WAITS
{
    struct vg_sess s;
    struct vg_err err;
    vg_sess_init(&s, m->bank->kv, a);
    m->dice = m->dice * 1103515245u + 12345u;
    unsigned i = (m->dice >> 16) % ACCOUNTS,
             j = (i + 1 + (m->dice >> 24) % (ACCOUNTS - 1)) % ACCOUNTS;
    struct vg_str parts[] = { account(a, i), account(a, j) };
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(&s, parts, 2, &tx, &err);
    if (rc != VG_OK)
        return rc;
    vg_tx_add(tx, parts[0], VG_STR("n"), -1);
    vg_tx_add(tx, parts[1], VG_STR("n"), 1);
    vg_tx_add(tx, vg_key_of(a, VG_STR("count")), VG_STR("n"), 1);
    m->bank->tried++;
    rc = vg_tx_commit(&tx, &err);
    return rc == VG_OK ? vg_kv_gate(&s, &err) : rc;
}

static void
mover_main(void *arg)
{
    struct mover *m = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int i = 0; i < MOVES; i++) {
        if (move_once(m, a) == VG_OK)
            m->bank->acked++;
        else
            m->bank->failed++;
        vg_arena_clear(a);
        vg_fiber_sleep(1);
    }
    if (atomic_fetch_sub(&m->bank->running, 1) == 1)
        for (int i = 0; i < LOOPS; i++)
            vg_loop_stop(m->bank->loops[i]);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

static int64_t
counter(struct fix *f, struct vg_str part)
{
    struct vg_str v;
    assert_ok(vg_kv_get(&f->s, part, VG_STR("n"), &v, &f->err));
    return vg_kv_counter(v);
}

static void
money_is_neither_made_nor_lost_when_the_disk_fails_now_and_then(void **state)
{
    struct fix *f = *state;
    struct bank b = { .kv = f->kv, .running = MOVERS };
    struct mover movers[MOVERS];
    pthread_t threads[LOOPS];
    arm("store.engine.write=fail@200,store.engine.sync=fail@60,store.engine.sync.after=fail@90,"
        "store.engine.write.after=fail@700");
    for (int i = 0; i < LOOPS; i++)
        b.loops[i] = vg_loop_new(i);
    for (unsigned i = 0; i < MOVERS; i++) {
        movers[i] = (struct mover) { &b, i * 7919 + 3 };
        vg_fiber_start(b.loops[i % LOOPS], mover_main, &movers[i]);
    }
    for (int i = 0; i < LOOPS; i++)
        pthread_create(&threads[i], NULL, loop_thread, b.loops[i]);
    for (int i = 0; i < LOOPS; i++) {
        pthread_join(threads[i], NULL);
        vg_loop_free(b.loops[i]);
    }
    arm("none=fail");
    wait_mended(f);
    int64_t sum = 0, count = counter(f, vg_key_of(f->arena, VG_STR("count")));
    for (unsigned i = 0; i < ACCOUNTS; i++)
        sum += counter(f, account(f->arena, i));
    assert_int_equal(sum, 0);
    assert_true(vg_kv_epoch(f->kv) >= 3);
    assert_true(b.failed > 0 && b.acked > MOVERS * MOVES / 2);
    assert_true(count >= b.acked && count <= b.tried);
}

/* --- files --------------------------------------------------------------------------------------
 */

static struct vg_str
find_file(struct fix *f, const char *ending)
{
    struct vg_str kv = vg_str_cat(f->arena, f->dir, VG_STR("/kv"));
    DIR *d = opendir(vg_str_cstr(f->arena, kv));
    assert_non_null(d);
    struct vg_str found = VG_STR_NONE;
    struct dirent *e;
    while ((e = readdir(d)))
        if (vg_str_ends(vg_str_of(e->d_name), vg_str_of(ending))
            || vg_str_starts(vg_str_of(e->d_name), vg_str_of(ending)))
            found = vg_str_fmt(f->arena, "%" VG_FMT "/%s", VG_ARG(kv), e->d_name);
    closedir(d);
    assert_non_null(found.ptr);
    return found;
}

static void
assert_refused(struct fix *f, const char *text)
{
    struct vg_kv *kv = NULL;
    f->err.msg[0] = '\0';
    assert_int_equal(vg_kv_open_rocks(&(struct vg_kv_options) { .path = f->dir }, &kv, &f->err),
                     VG_FAIL);
    if (strstr(f->err.msg, text) == NULL)
        fail_msg("got \"%s\", want \"%s\" in it", f->err.msg, text);
}

static void
missing_and_truncated_files_are_clear_errors(void **state)
{
    struct fix *f = *state;
    assert_ok(put(f, "a", "", "1", true));
    vg_kv_close(f->kv);
    f->kv = NULL;
    struct vg_str sst = find_file(f, ".sst"), manifest = find_file(f, "MANIFEST"), bytes;
    assert_ok(vg_file_read(f->arena, sst, 1u << 20, &bytes, &f->err));
    assert_int_equal(truncate(vg_str_cstr(f->arena, sst), 100), 0);
    assert_refused(f, "opening the store: Corruption");
    assert_ok(vg_file_remove(sst, &f->err));
    assert_refused(f, "opening the store: ");
    assert_ok(vg_file_write(sst, bytes, 0600, &f->err));
    assert_ok(vg_file_read(f->arena, manifest, 1u << 20, &bytes, &f->err));
    assert_int_equal(truncate(vg_str_cstr(f->arena, manifest), 20), 0);
    assert_refused(f, "opening the store: Corruption");
    assert_ok(vg_file_write(manifest, bytes, 0600, &f->err));
    open_kv(f); /* nothing was lost by trying */
    assert_str(get(f, "a"), "1");
}

/* The log's end cannot be told from a crash by itself: `synced` says how far it had come. */
static void
a_log_that_ends_too_early_is_an_error(void **state)
{
    struct fix *f = *state;
    assert_ok(put(f, "a", "", "1", true));
    uint64_t seq = f->kv->ops->latest(f->kv->engine);
    vg_kv_close(f->kv);
    f->kv = NULL;
    const uint64_t words[] = { seq + 5, ~(seq + 5) };
    struct vg_str synced = vg_str_cat(f->arena, f->dir, VG_STR("/synced"));
    assert_ok(vg_file_write(synced, vg_str_n(words, sizeof(words)), 0600, &f->err));
    assert_refused(f, "had been made durable: its log is cut off or damaged");
    assert_ok(vg_file_remove(synced, &f->err)); /* the way out that the message names */
    open_kv(f);
    assert_str(get(f, "a"), "1");
}

/* --- room ---------------------------------------------------------------------------------------
 */

static _Atomic uint64_t room_mb;

static bool
fake_room(void *arg, uint64_t *ret)
{
    (void)arg;
    *ret = room_mb << 20;
    return true;
}

static vg_rc
open_mem(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    (void)arg;
    return vg_mem_open(ret, err);
}

static bool
has_ballast(struct fix *f)
{
    return vg_file_exists(vg_str_cat(f->arena, f->dir, VG_STR("/ballast")));
}

static void
writes_are_refused_before_the_disk_is_full_and_resume_by_themselves(void **state)
{
    struct fix *f = *state;
    vg_kv_close(f->kv);
    f->kv = NULL;
    room_mb = 1000;
    const struct vg_kv_setup setup_mem = { .open = open_mem,
                                           .is_gated = true,
                                           .has_syncer = true,
                                           .room_path = f->dir,
                                           .free_bytes = fake_room };
    assert_ok(vg_kv_new(&setup_mem, &f->kv, &f->err));
    vg_sess_init(&f->s, f->kv, f->arena);
    assert_true(has_ballast(f));
    assert_ok(put(f, "a", "", "1", true));
    room_mb = 90;
    vg_rc rc = VG_OK;
    for (int i = 0; i < 100 && rc == VG_OK; i++) {
        rc = put(f, "a", "", "2", true);
        usleep(20000);
    }
    assert_int_equal(rc, VG_FAIL);
    assert_int_equal(f->err.os_errno, ENOSPC);
    assert_string_equal(f->err.msg,
                        "the disk of the data folder is almost full (90 MB free): nothing is "
                        "written until 128 MB are free");
    assert_int_equal(vg_kv_check_room(f->kv, &f->err), VG_FAIL);
    assert_ok(del(f, "b"));       /* what makes room has some of its own */
    assert_str(get(f, "a"), "2"); /* reads go on */
    assert_true(has_ballast(f));
    room_mb = 60;
    rc = VG_OK;
    for (int i = 0; i < 100 && rc == VG_OK; i++) {
        rc = del(f, "b");
        usleep(20000);
    }
    assert_int_equal(rc, VG_FAIL);
    assert_int_equal(f->err.os_errno, ENOSPC);
    assert_string_equal(f->err.msg,
                        "the disk of the data folder is almost full (60 MB free): nothing is "
                        "removed until 64 MB are free");
    room_mb = 10;
    for (int i = 0; i < 100 && has_ballast(f); i++)
        usleep(20000);
    assert_false(has_ballast(f));
    room_mb = 500;
    for (int i = 0; i < 100 && f->kv->is_full; i++)
        usleep(20000);
    assert_ok(put(f, "a", "", "3", true));
    for (int i = 0; i < 100 && !has_ballast(f); i++)
        usleep(20000);
    assert_true(has_ballast(f));
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_failed_read_is_an_error_of_that_read_only),
        ON(a_failed_fsync_acknowledges_nothing_and_the_store_opens_again),
        ON(a_failed_write_leaves_all_or_nothing),
        ON(what_is_written_after_an_opening_is_none_of_its_failures),
        ON(while_the_disk_stays_broken_everything_fails_and_then_it_goes_on),
        ON(who_saw_what_may_be_lost_fails_at_the_gate),
        ON(open_views_and_transactions_end_with_the_old_store),
        ON(a_stalled_write_is_waited_for),
        ON(whichever_call_fails_nothing_acknowledged_is_lost),
        ON(money_is_neither_made_nor_lost_when_the_disk_fails_now_and_then),
        ON(missing_and_truncated_files_are_clear_errors),
        ON(a_log_that_ends_too_early_is_an_error),
        ON(writes_are_refused_before_the_disk_is_full_and_resume_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
