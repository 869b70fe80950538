/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of store/kv.h, over every engine. VG_TEST_STORE=mem|gated|fault|rocks runs one of them.
 */

#include "base/test.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "store/key.h"
#include "store/kv_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- fixture ------------------------------------------------------------------------------------
 */

struct fix {
    struct vg_kv *kv;
    struct vg_arena *arena;
    struct vg_str path; /* rocks only */
    struct vg_sess s;
    struct vg_err err;
};

static vg_rc
open_mem(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    (void)arg;
    return vg_mem_open(ret, err);
}

/* The memory engine behind the gate: marks and syncer run as over a disk. */
static const struct vg_kv_setup gated_mem = { .open = open_mem,
                                              .is_gated = true,
                                              .has_syncer = true };

static vg_rc
open_fault(void *arg, struct vg_engine **ret, struct vg_err *err)
{
    vg_rc rc = open_mem(arg, ret, err);
    *ret = vg_fault_wrap(*ret);
    return rc;
}

/* The failing engine, which does nothing as long as nothing is armed. */
static const struct vg_kv_setup fault_over_mem = { .open = open_fault,
                                                   .is_gated = true,
                                                   .has_syncer = true };

static vg_rc
open_kind(const char *kind, struct vg_str path, struct vg_kv **ret, struct vg_err *err)
{
    if (strcmp(kind, "mem") == 0)
        return vg_kv_open_mem(ret, err);
    if (strcmp(kind, "gated") == 0)
        return vg_kv_new(&gated_mem, ret, err);
    if (strcmp(kind, "fault") == 0)
        return vg_kv_new(&fault_over_mem, ret, err);
    return vg_kv_open_rocks(&(struct vg_kv_options) { .path = path }, ret, err);
}

static int
setup(void **state, const char *kind)
{
    struct fix *f = vg_xalloc(sizeof(*f));
    f->arena = vg_arena_new(0);
    char dir[] = "/tmp/vg_kv_XXXXXX";
    assert_non_null(mkdtemp(dir));
    f->path = vg_str_dup(f->arena, vg_str_of(dir));
    if (open_kind(kind, f->path, &f->kv, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    vg_sess_init(&f->s, f->kv, f->arena);
    *state = f;
    return 0;
}

static int
setup_mem(void **state)
{
    return setup(state, "mem");
}

static int
setup_gated(void **state)
{
    return setup(state, "gated");
}

static int
setup_fault(void **state)
{
    return setup(state, "fault");
}

static int
setup_rocks(void **state)
{
    return setup(state, "rocks");
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    vg_kv_close(f->kv);
    assert_ok(vg_dir_remove(f->path, &f->err));
    vg_arena_free(f->arena);
    free(f);
    return 0;
}

static struct vg_str
P(struct fix *f, const char *name) {
    return vg_key_of(f->arena, vg_str_of(name));
}

static struct vg_tx *
begin(struct fix *f, const char *part)
{
    struct vg_str p = P(f, part);
    struct vg_tx *tx = NULL;
    assert_ok(vg_kv_begin(&f->s, &p, 1, &tx, &f->err));
    return tx;
}

static void
put(struct fix *f, const char *part, const char *key, const char *value)
{
    struct vg_tx *tx = begin(f, part);
    vg_tx_put(tx, P(f, part), vg_str_of(key), vg_str_of(value));
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_null(tx);
}

static struct vg_str
get(struct fix *f, const char *part, const char *key)
{
    struct vg_str v;
    assert_ok(vg_kv_get(&f->s, P(f, part), vg_str_of(key), &v, &f->err));
    return v;
}

/* "k=v k=v …" and '+' when there is more. */
static struct vg_str
show(struct fix *f, const struct vg_page *page)
{
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 1u << 20);
    for (size_t i = 0; i < page->len; i++)
        vg_buf_addf(&b, "%s%" VG_FMT "=%" VG_FMT, i ? " " : "", VG_ARG(page->rows[i].key),
                    VG_ARG(page->rows[i].value));
    if (page->has_more)
        vg_buf_addc(&b, '+');
    return vg_buf_str(&b);
}

static struct vg_str
scan(struct fix *f, const char *part, struct vg_range range)
{
    struct vg_page page;
    assert_ok(vg_kv_scan(&f->s, P(f, part), &range, &page, &f->err));
    return show(f, &page);
}

/* --- reads and writes ---------------------------------------------------------------------------
 */

static void
what_was_put_is_there_until_deleted(void **state)
{
    struct fix *f = *state;
    assert_null(get(f, "p", "a").ptr);
    put(f, "p", "a", "1");
    put(f, "p", "empty", "");
    assert_str(get(f, "p", "a"), "1");
    assert_non_null(get(f, "p", "empty").ptr);
    assert_int_equal(get(f, "p", "empty").len, 0);
    assert_null(get(f, "q", "a").ptr);
    put(f, "p", "a", "22");
    assert_str(get(f, "p", "a"), "22");
    struct vg_tx *tx = begin(f, "p");
    vg_tx_del(tx, P(f, "p"), VG_STR("a"));
    vg_tx_del(tx, P(f, "p"), VG_STR("never there"));
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_null(get(f, "p", "a").ptr);
}

static void
abort_drops_everything(void **state)
{
    struct fix *f = *state;
    {
        vg_auto_tx struct vg_tx *tx = begin(f, "p");
        vg_tx_put(tx, P(f, "p"), VG_STR("a"), VG_STR("1"));
        vg_tx_put(tx, P(f, "q"), VG_STR("a"), VG_STR("1"));
    }
    assert_null(f->s.open);
    assert_null(get(f, "p", "a").ptr);
    assert_null(get(f, "q", "a").ptr);
    put(f, "p", "a", "2"); /* the turn is free again */
    assert_str(get(f, "p", "a"), "2");
}

static void
partitions_hold_their_own_keys_only(void **state)
{
    struct fix *f = *state;
    /* ("a") and ("a", "b"): one id is a prefix of the other. */
    struct vg_str p1 = vg_key_of(f->arena, VG_STR("a"));
    struct vg_str p2 = vg_key_of(f->arena, VG_STR("a"), VG_STR("b"));
    struct vg_str k = vg_key_of(f->arena, VG_STR("b"), VG_STR("x"));
    struct vg_str both[] = { p2, p1 };
    struct vg_tx *tx;
    assert_ok(vg_kv_begin(&f->s, both, 2, &tx, &f->err));
    vg_tx_put(tx, p1, k, VG_STR("one"));
    vg_tx_put(tx, p2, vg_key_of(f->arena, VG_STR("x")), VG_STR("two"));
    vg_tx_put(tx, p1, VG_STR("\xFF\xFF"), VG_STR("last"));
    assert_ok(vg_tx_commit(&tx, &f->err));
    struct vg_page page;
    assert_ok(vg_kv_scan(&f->s, p1, &(struct vg_range) { 0 }, &page, &f->err));
    assert_int_equal(page.len, 2);
    assert_true(vg_str_eq(page.rows[0].key, k));
    assert_str(page.rows[0].value, "one");
    assert_str(page.rows[1].value, "last");
    assert_ok(vg_kv_scan(&f->s, p2, &(struct vg_range) { 0 }, &page, &f->err));
    assert_int_equal(page.len, 1);
    assert_str(page.rows[0].value, "two");
}

static void
scans_keep_to_their_range(void **state)
{
    struct fix *f = *state;
    struct vg_tx *tx = begin(f, "p");
    for (const char *k = "bcdefg"; *k; k++)
        vg_tx_put(tx, P(f, "p"), vg_str_n(k, 1), vg_str_n(k, 1));
    assert_ok(vg_tx_commit(&tx, &f->err));
    put(f, "o", "z", "below");
    put(f, "q", "a", "above");
    assert_str(scan(f, "p", (struct vg_range) { 0 }), "b=b c=c d=d e=e f=f g=g");
    assert_str(scan(f, "p", (struct vg_range) { .is_reverse = true }), "g=g f=f e=e d=d c=c b=b");
    assert_str(scan(f, "p", (struct vg_range) { .from = VG_STR("c"), .to = VG_STR("e") }),
               "c=c d=d");
    assert_str(
        scan(f, "p",
             (struct vg_range) { .from = VG_STR("c"), .to = VG_STR("e"), .is_reverse = true }),
        "d=d c=c");
    assert_str(scan(f, "p", (struct vg_range) { .from = VG_STR("c\1"), .max = 2 }), "d=d e=e+");
    assert_str(scan(f, "p", (struct vg_range) { .max = 2, .is_reverse = true }), "g=g f=f+");
    assert_str(scan(f, "p", (struct vg_range) { .max = 6 }), "b=b c=c d=d e=e f=f g=g");
    assert_str(scan(f, "p", (struct vg_range) { .max_bytes = 3 }), "b=b c=c+");
    assert_str(scan(f, "p", (struct vg_range) { .max_bytes = 4 }), "b=b c=c d=d+");
    assert_str(scan(f, "p", (struct vg_range) { .from = VG_STR("e"), .to = VG_STR("c") }), "");
    assert_str(scan(f, "p", (struct vg_range) { .from = VG_STR("c"), .to = VG_STR("c") }), "");
    assert_str(scan(f, "p", (struct vg_range) { .to = VG_STR("") }), "");
    assert_str(scan(f, "none", (struct vg_range) { 0 }), "");
}

static struct vg_str
tx_scan(struct fix *f, struct vg_tx *tx, struct vg_range range)
{
    struct vg_page page;
    assert_ok(vg_tx_scan(tx, P(f, "p"), &range, &page, &f->err));
    return show(f, &page);
}

static void
transactions_see_their_own_writes(void **state)
{
    struct fix *f = *state;
    for (const char *k = "bdfh"; *k; k++)
        put(f, "p", (char[]) { *k, 0 }, "old");
    struct vg_tx *tx = begin(f, "p");
    struct vg_str p = P(f, "p"), v;
    vg_tx_put(tx, p, VG_STR("a"), VG_STR("new"));
    vg_tx_put(tx, p, VG_STR("d"), VG_STR("new"));
    vg_tx_del(tx, p, VG_STR("f"));
    vg_tx_put(tx, p, VG_STR("i"), VG_STR("new"));
    vg_tx_put(tx, p, VG_STR("j"), VG_STR("new"));
    vg_tx_del(tx, p, VG_STR("j"));
    assert_ok(vg_tx_get(tx, p, VG_STR("d"), &v, &f->err));
    assert_str(v, "new");
    assert_ok(vg_tx_get(tx, p, VG_STR("b"), &v, &f->err));
    assert_str(v, "old");
    assert_ok(vg_tx_get(tx, p, VG_STR("f"), &v, &f->err));
    assert_null(v.ptr);
    assert_str(tx_scan(f, tx, (struct vg_range) { 0 }), "a=new b=old d=new h=old i=new");
    assert_str(tx_scan(f, tx, (struct vg_range) { .is_reverse = true }),
               "i=new h=old d=new b=old a=new");
    assert_str(tx_scan(f, tx, (struct vg_range) { .from = VG_STR("b"), .to = VG_STR("i") }),
               "b=old d=new h=old");
    assert_str(tx_scan(f, tx, (struct vg_range) { .max = 3 }), "a=new b=old d=new+");
    assert_str(tx_scan(f, tx, (struct vg_range) { .from = VG_STR("e"), .max = 1 }), "h=old+");
    assert_str(scan(f, "p", (struct vg_range) { 0 }), "b=old d=old f=old h=old"); /* nobody else */
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_str(scan(f, "p", (struct vg_range) { 0 }), "a=new b=old d=new h=old i=new");
}

static int64_t
counter(struct fix *f, const char *key)
{
    return vg_kv_counter(get(f, "p", key));
}

static void
counters_add_up(void **state)
{
    struct fix *f = *state;
    struct vg_str p = P(f, "p"), v;
    assert_int_equal(vg_kv_counter(VG_STR_NONE), 0);
    for (int i = 1; i <= 100; i++) {
        struct vg_tx *tx; /* blind: no partition is named */
        assert_ok(vg_kv_begin(&f->s, NULL, 0, &tx, &f->err));
        vg_tx_add(tx, p, VG_STR("n"), i);
        vg_tx_add(tx, p, VG_STR("m"), -1);
        assert_ok(vg_tx_commit(&tx, &f->err));
    }
    assert_int_equal(counter(f, "n"), 5050);
    assert_int_equal(counter(f, "m"), -100);
    struct vg_tx *tx = begin(f, "p");
    vg_tx_add(tx, p, VG_STR("n"), 1);
    vg_tx_add(tx, p, VG_STR("n"), 2);
    assert_ok(vg_tx_get(tx, p, VG_STR("n"), &v, &f->err));
    assert_int_equal(vg_kv_counter(v), 5053);
    struct vg_page page;
    assert_ok(vg_tx_scan(tx, p, &(struct vg_range) { .from = VG_STR("n") }, &page, &f->err));
    assert_int_equal(page.len, 1);
    assert_int_equal(vg_kv_counter(page.rows[0].value), 5053);
    vg_tx_del(tx, p, VG_STR("m"));
    vg_tx_add(tx, p, VG_STR("m"), 7);
    vg_tx_put(tx, p, VG_STR("s"), VG_STR("text")); /* no counter: counts as 0 */
    vg_tx_add(tx, p, VG_STR("s"), 9);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_int_equal(counter(f, "n"), 5053);
    assert_int_equal(counter(f, "m"), 7);
    assert_int_equal(counter(f, "s"), 9);
    put(f, "p", "n", "12345678"); /* overwrites */
    tx = begin(f, "p");
    vg_tx_put(tx, p, VG_STR("n"), VG_STR("\0\0\0\0\0\0\1\0"));
    vg_tx_add(tx, p, VG_STR("n"), -257);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_int_equal(counter(f, "n"), -1);
}

static void
snapshots_stand_still(void **state)
{
    struct fix *f = *state;
    put(f, "p", "a", "1");
    put(f, "p", "b", "1");
    struct vg_snap *one, *two;
    assert_ok(vg_snap_open(&f->s, &one, &f->err));
    put(f, "p", "a", "2");
    put(f, "p", "c", "2");
    struct vg_tx *tx = begin(f, "p");
    vg_tx_del(tx, P(f, "p"), VG_STR("b"));
    vg_tx_add(tx, P(f, "p"), VG_STR("n"), 1);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_ok(vg_snap_open(&f->s, &two, &f->err));
    put(f, "p", "a", "3");
    struct vg_page page;
    struct vg_str v;
    const struct vg_range all = { .to = VG_STR("n") };
    assert_ok(vg_snap_scan(one, P(f, "p"), &all, &page, &f->err));
    assert_str(show(f, &page), "a=1 b=1");
    assert_ok(vg_snap_get(one, P(f, "p"), VG_STR("c"), &v, &f->err));
    assert_null(v.ptr);
    assert_ok(vg_snap_scan(two, P(f, "p"), &all, &page, &f->err));
    assert_str(show(f, &page), "a=2 c=2");
    vg_snap_close(one);
    assert_ok(vg_snap_get(two, P(f, "p"), VG_STR("a"), &v, &f->err));
    assert_str(v, "2");
    vg_snap_close(two);
    vg_snap_close(NULL);
    assert_str(get(f, "p", "a"), "3");
    assert_null(get(f, "p", "b").ptr);
}

/* Random transactions against an array that says what must be there. */
static void
a_thousand_random_transactions_agree_with_a_model(void **state)
{
    struct fix *f = *state;
    enum { KEYS = 40 };
    int model[KEYS] = { 0 }, next[KEYS]; /* 0: absent */
    unsigned dice = 12345;
    for (int round = 0; round < 1000; round++) {
        struct vg_tx *tx = begin(f, "p");
        memcpy(next, model, sizeof(next));
        for (int i = 0; i < 8; i++) {
            dice = dice * 1103515245u + 12345u;
            int k = (int)(dice >> 16) % KEYS;
            char key[8], value[16];
            snprintf(key, sizeof(key), "%02d", k);
            next[k] = (dice >> 8) % 3 == 0 ? 0 : (int)(dice >> 20) + 1;
            snprintf(value, sizeof(value), "%d", next[k]);
            if (next[k] == 0)
                vg_tx_del(tx, P(f, "p"), vg_str_of(key));
            else
                vg_tx_put(tx, P(f, "p"), vg_str_of(key), vg_str_of(value));
        }
        bool is_kept = dice & 4096;
        struct vg_page page;
        struct vg_range r = { .is_reverse = (dice & 8192) != 0 };
        assert_ok(vg_tx_scan(tx, P(f, "p"), &r, &page, &f->err));
        size_t at = 0;
        for (int j = 0; j < KEYS; j++) {
            int k = r.is_reverse ? KEYS - 1 - j : j;
            if (next[k] == 0)
                continue;
            int64_t v = 0;
            assert_true(at < page.len && vg_str_to_i64(page.rows[at].key, &v));
            assert_int_equal(v, k);
            assert_true(vg_str_to_i64(page.rows[at++].value, &v));
            assert_int_equal(v, next[k]);
        }
        assert_int_equal(at, page.len);
        if (is_kept) {
            memcpy(model, next, sizeof(next));
            assert_ok(vg_tx_commit(&tx, &f->err));
        } else {
            vg_tx_abort(tx);
        }
    }
}

/* --- the gate -----------------------------------------------------------------------------------
 */

/* docs/architecture.md: "Nothing leaves before it is durable". */
static void
what_was_seen_is_waited_for_and_quiet_keys_are_not(void **state)
{
    struct fix *f = *state;
    put(f, "p", "quiet", "1");
    assert_ok(vg_kv_gate(&f->s, &f->err));
    assert_int_equal(f->s.seen_seq, 0);
    if (!f->kv->setup.is_gated)
        return;
    put(f, "p", "loud", "1");
    uint64_t seq = f->s.commit_seq;
    assert_true(seq > 0 && f->s.seen_seq >= seq && f->kv->durable < seq);
    struct vg_sess other;
    struct vg_str v;
    vg_sess_init(&other, f->kv, f->arena);
    assert_ok(vg_kv_get(&other, P(f, "p"), VG_STR("quiet"), &v, &f->err));
    assert_int_equal(other.seen_seq, 0);
    assert_ok(vg_kv_get(&other, P(f, "p"), VG_STR("loud"), &v, &f->err));
    assert_true(other.seen_seq >= seq);
    vg_sess_init(&other, f->kv, f->arena);
    struct vg_page page;
    assert_ok(vg_kv_scan(&other, P(f, "q"), &(struct vg_range) { 0 }, &page, &f->err));
    assert_int_equal(other.seen_seq, 0);
    assert_ok(vg_kv_scan(&other, P(f, "p"), &(struct vg_range) { 0 }, &page, &f->err));
    assert_true(other.seen_seq >= seq);
    assert_ok(vg_kv_gate(&other, &f->err));
    assert_true(f->kv->durable >= seq);
    vg_sess_init(&other, f->kv, f->arena);
    assert_ok(vg_kv_get(&other, P(f, "p"), VG_STR("loud"), &v, &f->err));
    assert_int_equal(other.seen_seq, 0);
}

static void
a_writer_in_between_makes_a_reader_wait_for_the_latest(void **state)
{
    struct fix *f = *state;
    if (!f->kv->setup.is_gated)
        return;
    put(f, "x", "y", "z");
    struct vg_str whole = vg_kv_whole_key(f->arena, P(f, "p"), VG_STR("k"));
    vg_mark_enter(f->kv, vg_mark_of(whole));
    struct vg_sess other;
    struct vg_str v;
    vg_sess_init(&other, f->kv, f->arena);
    assert_ok(vg_kv_get(&other, P(f, "p"), VG_STR("k"), &v, &f->err));
    assert_true(other.seen_seq >= f->s.commit_seq);
    vg_mark_leave(f->kv, vg_mark_of(whole), 0);
    assert_ok(vg_kv_gate(&other, &f->err));
    assert_ok(vg_kv_gate(&f->s, &f->err));
}

/* --- many at once -------------------------------------------------------------------------------
 */

enum { BANKS = 5, ACCOUNTS = 4, START = 1000, MOVERS = 24, MOVES = 150, LOOPS = 2 };

struct bank {
    struct vg_kv *kv;
    struct vg_loop *loops[LOOPS];
    _Atomic int running, failures, snaps;
    _Atomic int64_t worst_wait_ms;
    bool is_done_on_first;
};

struct mover {
    struct bank *bank;
    unsigned dice;
    int moves;
};

static unsigned
roll(struct mover *m, unsigned below)
{
    m->dice = m->dice * 1103515245u + 12345u;
    return (m->dice >> 16) % below;
}

static struct vg_str
bank_part(struct vg_arena *a, unsigned i)
{
    return vg_key_of(a, VG_STR("bank"), vg_str_fmt(a, "%u", i));
}

static void
bank_put(struct vg_tx *tx, struct vg_arena *a, struct vg_str part, struct vg_str key, int64_t v)
{
    vg_tx_put(tx, part, key, vg_str_fmt(a, "%d", (int)v));
}

static vg_rc
move_once(struct mover *m, struct vg_arena *a) VG_WAITS
{
    struct vg_sess s;
    struct vg_err err;
    vg_sess_init(&s, m->bank->kv, a);
    struct vg_str parts[2] = { bank_part(a, roll(m, BANKS)), bank_part(a, roll(m, BANKS)) };
    struct vg_str keys[2] = { vg_str_fmt(a, "acct%u", roll(m, ACCOUNTS)),
                              vg_str_fmt(a, "acct%u", roll(m, ACCOUNTS)) };
    int64_t amount = (int64_t)roll(m, 20), have[2];
    int64_t from_ms = vg_mono_ms();
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(&s, parts, 2, &tx, &err);
    int64_t waited_ms = vg_mono_ms() - from_ms;
    if (waited_ms > m->bank->worst_wait_ms)
        m->bank->worst_wait_ms = waited_ms;
    for (int i = 0; i < 2 && rc == VG_OK; i++) {
        struct vg_str v;
        rc = vg_tx_get(tx, parts[i], keys[i], &v, &err);
        if (rc == VG_OK && !vg_str_to_i64(v, &have[i]))
            rc = VG_FAIL;
        if (rc == VG_OK)
            bank_put(tx, a, parts[i], keys[i], have[i] + (i ? amount : -amount));
    }
    vg_tx_add(tx, vg_key_of(a, VG_STR("count")), VG_STR("moves"), 1); /* blind */
    if (rc == VG_OK)
        rc = vg_tx_commit(&tx, &err);
    else
        vg_tx_abort(tx);
    return rc == VG_OK && m->moves % 10 == 0 ? vg_kv_gate(&s, &err) : rc;
}

static void
leave_bank(struct bank *b)
{
    if (atomic_fetch_sub(&b->running, 1) == 1)
        for (int i = 0; i < LOOPS; i++)
            if (b->loops[i])
                vg_loop_stop(b->loops[i]);
}

static void
mover_main(void *arg)
{
    struct mover *m = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (m->moves = 0; m->moves < MOVES; m->moves++) {
        if (move_once(m, a) != VG_OK)
            m->bank->failures++;
        if (vg_fiber_self() && roll(m, 4) == 0)
            vg_fiber_yield();
        vg_arena_clear(a);
    }
    leave_bank(m->bank);
}

/* Looks at all banks through snapshots, in both directions, until only watchers run. */
static void
watcher_main(void *arg)
{
    struct bank *b = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    while (b->running > 1) {
        struct vg_sess s;
        struct vg_err err;
        vg_sess_init(&s, b->kv, a);
        vg_auto_snap struct vg_snap *snap = NULL;
        int64_t sum = 0;
        if (vg_snap_open(&s, &snap, &err) != VG_OK)
            b->failures++;
        for (unsigned i = 0; i < BANKS; i++) {
            struct vg_page page;
            struct vg_range r = { .is_reverse = (i & 1) != 0 };
            if (vg_snap_scan(snap, bank_part(a, i), &r, &page, &err) != VG_OK)
                b->failures++;
            for (size_t j = 0; j < page.len; j++) {
                int64_t v = 0;
                vg_str_to_i64(page.rows[j].value, &v);
                sum += v;
            }
            if (vg_fiber_self())
                vg_fiber_yield();
        }
        if (sum != BANKS * ACCOUNTS * START)
            b->failures++;
        b->snaps++;
        vg_snap_close(snap);
        snap = NULL;
        vg_arena_clear(a);
    }
    leave_bank(b);
}

static void
bank_open(struct fix *f, struct bank *b)
{
    *b = (struct bank) { .kv = f->kv, .running = MOVERS + 1 };
    for (unsigned i = 0; i < BANKS; i++) {
        struct vg_str part = bank_part(f->arena, i);
        struct vg_tx *tx;
        assert_ok(vg_kv_begin(&f->s, &part, 1, &tx, &f->err));
        for (unsigned j = 0; j < ACCOUNTS; j++)
            bank_put(tx, f->arena, part, vg_str_fmt(f->arena, "acct%u", j), START);
        assert_ok(vg_tx_commit(&tx, &f->err));
    }
}

static void
bank_check(struct fix *f, const struct bank *b)
{
    struct vg_str v;
    assert_int_equal(b->failures, 0);
    assert_true(b->snaps > 0);
    assert_ok(vg_kv_get(&f->s, vg_key_of(f->arena, VG_STR("count")), VG_STR("moves"), &v, &f->err));
    assert_int_equal(vg_kv_counter(v), MOVERS * MOVES);
    assert_true(b->worst_wait_ms < 5000);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

static void
fibers_of_two_loops_move_money_and_none_is_made_or_lost(void **state)
{
    struct fix *f = *state;
    struct bank b;
    bank_open(f, &b);
    struct mover movers[MOVERS];
    pthread_t threads[LOOPS];
    for (int i = 0; i < LOOPS; i++)
        b.loops[i] = vg_loop_new(i);
    for (unsigned i = 0; i < MOVERS; i++) {
        movers[i] = (struct mover) { .bank = &b, .dice = i * 7919 + 1 };
        vg_fiber_start(b.loops[i % LOOPS], mover_main, &movers[i]);
    }
    vg_fiber_start(b.loops[0], watcher_main, &b);
    for (int i = 0; i < LOOPS; i++)
        pthread_create(&threads[i], NULL, loop_thread, b.loops[i]);
    for (int i = 0; i < LOOPS; i++) {
        pthread_join(threads[i], NULL);
        vg_loop_free(b.loops[i]);
    }
    bank_check(f, &b);
}

static void *
mover_thread(void *arg)
{
    mover_main(arg);
    return NULL;
}

static void
plain_threads_move_money_and_none_is_made_or_lost(void **state)
{
    struct fix *f = *state;
    struct bank b;
    bank_open(f, &b);
    struct mover movers[MOVERS];
    pthread_t threads[MOVERS];
    for (unsigned i = 0; i < MOVERS; i++) {
        movers[i] = (struct mover) { .bank = &b, .dice = i * 104729 + 1 };
        pthread_create(&threads[i], NULL, mover_thread, &movers[i]);
    }
    watcher_main(&b);
    for (int i = 0; i < MOVERS; i++)
        pthread_join(threads[i], NULL);
    bank_check(f, &b);
}

/* --- rocks only ---------------------------------------------------------------------------------
 */

static void
what_was_committed_is_there_after_opening_again(void **state)
{
    struct fix *f = *state;
    put(f, "p", "a", "1");
    struct vg_tx *tx = begin(f, "p");
    vg_tx_add(tx, P(f, "p"), VG_STR("n"), 41);
    assert_ok(vg_tx_commit(&tx, &f->err));
    vg_kv_close(f->kv);
    f->kv = NULL;
    assert_ok(open_kind("rocks", f->path, &f->kv, &f->err));
    vg_sess_init(&f->s, f->kv, f->arena);
    assert_str(get(f, "p", "a"), "1");
    assert_int_equal(f->s.seen_seq, 0);
    tx = begin(f, "p");
    vg_tx_add(tx, P(f, "p"), VG_STR("n"), 1);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_int_equal(counter(f, "n"), 42);
}

static void
a_taken_folder_is_refused_with_who_has_it(void **state)
{
    struct fix *f = *state;
    struct vg_kv *second = NULL;
    struct vg_err err = { 0 };
    assert_int_equal(open_kind("rocks", f->path, &second, &err), VG_FAIL);
    char want[256];
    snprintf(want, sizeof(want),
             "the data folder %" VG_FMT " is in use by another virga (process %d)", VG_ARG(f->path),
             (int)getpid());
    assert_string_equal(err.msg, want);
}

static void
other_versions_and_foreign_folders_are_refused(void **state)
{
    struct fix *f = *state;
    vg_kv_close(f->kv);
    f->kv = NULL;
    struct vg_err err = { 0 };
    struct vg_str version = vg_str_cat(f->arena, f->path, VG_STR("/VERSION"));
    assert_ok(vg_file_write(version, VG_STR("virga data 2\n"), 0600, &err));
    assert_int_equal(open_kind("rocks", f->path, &f->kv, &err), VG_FAIL);
    assert_non_null(strstr(err.msg, "another version of Virga (it says \"virga data 2\""));
    assert_ok(vg_file_write(version, VG_STR("nonsense"), 0600, &err));
    assert_int_equal(open_kind("rocks", f->path, &f->kv, &err), VG_FAIL);
    assert_non_null(strstr(err.msg, "damaged"));
    assert_ok(vg_file_remove(version, &err));
    assert_int_equal(open_kind("rocks", f->path, &f->kv, &err), VG_FAIL);
    assert_non_null(strstr(err.msg, "not Virga's"));
}

#define ON(kind, test) cmocka_unit_test_setup_teardown(test, setup_##kind, teardown)
#define SUITE(kind)                                                                                \
    ON(kind, what_was_put_is_there_until_deleted), ON(kind, abort_drops_everything),               \
        ON(kind, partitions_hold_their_own_keys_only), ON(kind, scans_keep_to_their_range),        \
        ON(kind, transactions_see_their_own_writes), ON(kind, counters_add_up),                    \
        ON(kind, snapshots_stand_still),                                                           \
        ON(kind, a_thousand_random_transactions_agree_with_a_model),                               \
        ON(kind, what_was_seen_is_waited_for_and_quiet_keys_are_not),                              \
        ON(kind, a_writer_in_between_makes_a_reader_wait_for_the_latest),                          \
        ON(kind, plain_threads_move_money_and_none_is_made_or_lost),                               \
        ON(kind, fibers_of_two_loops_move_money_and_none_is_made_or_lost)

int
main(void)
{
    const struct CMUnitTest mem[] = { SUITE(mem) };
    const struct CMUnitTest gated[] = { SUITE(gated) };
    const struct CMUnitTest fault[] = { SUITE(fault) };
    const struct CMUnitTest rocks[] = {
        SUITE(rocks),
        ON(rocks, what_was_committed_is_there_after_opening_again),
        ON(rocks, a_taken_folder_is_refused_with_who_has_it),
        ON(rocks, other_versions_and_foreign_folders_are_refused),
    };
    const char *only = getenv("VG_TEST_STORE");
    int failed = 0;
    if (only == NULL || strcmp(only, "mem") == 0)
        failed += cmocka_run_group_tests(mem, NULL, NULL);
    if (only == NULL || strcmp(only, "gated") == 0)
        failed += cmocka_run_group_tests(gated, NULL, NULL);
    if (only == NULL || strcmp(only, "fault") == 0)
        failed += cmocka_run_group_tests(fault, NULL, NULL);
    if (only == NULL || strcmp(only, "rocks") == 0)
        failed += cmocka_run_group_tests(rocks, NULL, NULL);
    return failed;
}
