/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Kills a process that writes to the store, again and again, and compares what is found with what
 * had been acknowledged.
 *
 *     store_crash DIR ROUNDS [SEED]    the driver: starts itself as the writer below
 *     store_crash --write DIR FAULTS   opens, reports what it finds, writes until it is killed
 *     store_crash --fill DIR           writes until it is refused ("E"), then as soon as there is
 *                                      room again ("B"), and ends; reads all the while
 *
 * The writer's fibers on two loops: movers, whose transactions set one number in two partitions and
 * add to a common counter; one that stores content files and drops the one before; one that sets
 * timers, whose work counts them.  Each line on its stdout is one fact: "F f l r" found, "A f n"
 * acknowledged, "S f n" seen by a reader past the gate.  The driver kills it at a random moment or
 * by an armed fault point.  Found must be what was acknowledged or one more, both halves alike.
 */

#include "base/arena.h"
#include "base/fault.h"
#include "clock/clock.h"
#include "crypto/random.h"
#include "events/events.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/process.h"
#include "store/blob.h"
#include "store/key.h"
#include "store/kv.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOVERS = 8, BLOBBER = MOVERS, TIMER, FACTS, LOOPS = 2, BLOB_BYTES = 20000 };

static void VG_NORETURN
die(const char *what, const struct vg_err *err)
{
    fprintf(stderr, "store_crash: %s: %s\n", what, err ? err->msg : "");
    exit(1);
}

/* --- the writer ---------------------------------------------------------------------------------
 */

struct writer {
    struct vg_kv *kv;
    struct vg_blobs *blobs;
    struct vg_clock *clock;
    struct vg_events *ev;
    struct vg_random *random;
    struct vg_loop *loops[LOOPS];
    int64_t found[FACTS];
};

struct fiber_arg {
    struct writer *w;
    int f;
};

static void
say(char kind, int f, int64_t a, int64_t b)
{
    char line[96];
    int n = snprintf(line, sizeof(line), "%c %d %lld %lld\n", kind, f, (long long)a, (long long)b);
    if (write(STDOUT_FILENO, line, (size_t)n) != n)
        exit(3);
}

static struct vg_str
part_of(struct vg_arena *a, const char *kind, int f)
{
    return vg_key_of(a, VG_STR("crash"), vg_str_of(kind), vg_str_fmt(a, "%d", f));
}

static vg_rc
read_number(struct vg_sess *s, const char *kind, int f, int64_t *ret, struct vg_err *err)
{
    struct vg_str v;
    vg_rc rc = vg_kv_get(s, part_of(s->arena, kind, f), VG_STR("n"), &v, err);
    *ret = vg_kv_counter(v);
    return rc;
}

static void
put_number(struct vg_tx *tx, struct vg_arena *a, const char *kind, int f, int64_t n)
{
    char be[8];
    for (int i = 0; i < 8; i++)
        be[i] = (char)((uint64_t)n >> (8 * (7 - i)));
    vg_tx_put(tx, part_of(a, kind, f), VG_STR("n"), vg_str_n(be, 8));
}

/* Sets left and right of `f` to n and counts one, then waits until it may be told. */
static vg_rc
move(struct vg_sess *s, int f, int64_t n, struct vg_err *err) VG_WAITS
{
    struct vg_str parts[] = { part_of(s->arena, "left", f), part_of(s->arena, "right", f) };
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(s, parts, 2, &tx, err);
    if (rc != VG_OK)
        return rc;
    put_number(tx, s->arena, "left", f, n);
    put_number(tx, s->arena, "right", f, n);
    vg_tx_add(tx, part_of(s->arena, "total", 0), VG_STR("n"), 1);
    rc = vg_tx_commit(&tx, err);
    return rc == VG_OK ? vg_kv_gate(s, err) : rc;
}

/* A content file that holds its number; the one before is dropped in the same transaction. */
static vg_rc
store_blob(struct writer *w, struct vg_sess *s, int64_t n, struct vg_err *err) VG_WAITS
{
    struct vg_str part = part_of(s->arena, "left", BLOBBER), id, old;
    char *bytes = vg_arena_alloc(s->arena, BLOB_BYTES);
    memset(bytes, (int)(n % 251), BLOB_BYTES);
    vg_rc rc = vg_blob_store(w->blobs, s, vg_str_n(bytes, BLOB_BYTES), &id, err);
    struct vg_tx *tx;
    if (rc == VG_OK)
        rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc != VG_OK)
        return rc;
    rc = vg_tx_get(tx, part, VG_STR("id"), &old, err);
    if (rc == VG_OK && old.ptr)
        vg_blob_drop(w->blobs, tx, old);
    vg_tx_put(tx, part, VG_STR("id"), id);
    vg_blob_keep(tx, id);
    put_number(tx, s->arena, "left", BLOBBER, n);
    put_number(tx, s->arena, "right", BLOBBER, n);
    vg_tx_add(tx, part_of(s->arena, "total", 0), VG_STR("n"), 1);
    rc = vg_tx_commit(&tx, err);
    return rc == VG_OK ? vg_kv_gate(s, err) : rc;
}

/* "left" counts timers set, "right" those done: each does so once, however often it runs. */
static vg_rc
set_timer(struct writer *w, struct vg_sess *s, int64_t n, struct vg_err *err) VG_WAITS
{
    struct vg_str part = part_of(s->arena, "left", TIMER);
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc != VG_OK)
        return rc;
    const struct vg_timer t = { .part = part,
                                .id = vg_str_fmt(s->arena, "t%lld", (long long)n),
                                .op = VG_STR("count"),
                                .payload = vg_str_fmt(s->arena, "%lld", (long long)n) };
    rc = vg_timer_put(w->ev, tx, &t, err);
    put_number(tx, s->arena, "left", TIMER, n);
    vg_tx_add(tx, part_of(s->arena, "total", 0), VG_STR("n"), 1);
    if (rc == VG_OK)
        rc = vg_tx_commit(&tx, err);
    return rc == VG_OK ? vg_kv_gate(s, err) : rc;
}

static vg_rc
timer_work(void *arg, const struct vg_timer *t, struct vg_err *err)
{
    struct writer *w = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_sess s;
    vg_sess_init(&s, w->kv, a);
    struct vg_str part = part_of(a, "right", TIMER), done;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_kv_begin(&s, &part, 1, &tx, err);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, t->id, &done, err);
    if (rc != VG_OK || done.ptr)
        return rc;
    vg_tx_put(tx, part, t->id, VG_STR("done"));
    vg_tx_add(tx, part, VG_STR("n"), 1);
    return vg_tx_commit(&tx, err);
}

static void
writer_fiber(void *arg)
{
    struct fiber_arg *fa = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int64_t n = fa->w->found[fa->f] + 1;; n++) {
        struct vg_sess s;
        struct vg_err err = { 0 };
        vg_sess_init(&s, fa->w->kv, a);
        vg_rc rc = fa->f == BLOBBER ? store_blob(fa->w, &s, n, &err)
                   : fa->f == TIMER ? set_timer(fa->w, &s, n, &err)
                                    : move(&s, fa->f, n, &err);
        if (rc != VG_OK)
            die("writing", &err);
        say('A', fa->f, n, 0);
        vg_arena_clear(a);
    }
}

/* Reads what is visible, waits at the gate, and only then tells. */
static void
reader_fiber(void *arg)
{
    struct fiber_arg *fa = arg;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int f = 0;; f = (f + 1) % MOVERS) {
        struct vg_sess s;
        struct vg_err err = { 0 };
        int64_t n;
        vg_sess_init(&s, fa->w->kv, a);
        if (read_number(&s, "left", f, &n, &err) != VG_OK || vg_kv_gate(&s, &err) != VG_OK)
            die("reading", &err);
        say('S', f, n, 0);
        vg_arena_clear(a);
        vg_fiber_sleep(1);
    }
}

static void
report_blob(struct writer *w, struct vg_sess *s, int64_t n)
{
    struct vg_str id, bytes;
    struct vg_err err = { 0 };
    if (vg_kv_get(s, part_of(s->arena, "left", BLOBBER), VG_STR("id"), &id, &err) != VG_OK)
        die("reading", &err);
    if (id.ptr == NULL && n == 0)
        return;
    if (vg_blob_load(w->blobs, id, s->arena, BLOB_BYTES, &bytes, &err) != VG_OK)
        die("a content file that is referred to", &err);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.len != BLOB_BYTES || (unsigned char)bytes.ptr[i] != (unsigned char)(n % 251))
            die("a content file holds something else", NULL);
}

static void
report(struct writer *w)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_sess s;
    struct vg_err err = { 0 };
    int64_t sum = 0, total, right;
    vg_sess_init(&s, w->kv, a);
    for (int f = 0; f < FACTS; f++) {
        if (read_number(&s, "left", f, &w->found[f], &err) != VG_OK
            || read_number(&s, "right", f, &right, &err) != VG_OK)
            die("reading", &err);
        say('F', f, w->found[f], right);
        sum += w->found[f];
    }
    if (read_number(&s, "total", 0, &total, &err) != VG_OK)
        die("reading", &err);
    if (sum != total)
        die("the common counter does not add up", NULL);
    report_blob(w, &s, w->found[BLOBBER]);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

static void
start_all(void *arg)
{
    struct writer *w = arg;
    static struct fiber_arg args[FACTS + 1];
    struct vg_err err;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_sess s;
    vg_sess_init(&s, w->kv, a);
    if (vg_clock_open(&s, vg_wall_ms, &w->clock, &err) != VG_OK)
        die("the clock", &err);
    w->ev = vg_events_new(
        &(struct vg_events_setup) { .kv = w->kv, .clock = w->clock, .run = timer_work, .arg = w });
    vg_events_start(w->ev, w->loops, LOOPS);
    vg_blobs_start(w->blobs, w->loops[0]);
    for (int f = 0; f <= FACTS; f++) {
        args[f] = (struct fiber_arg) { w, f };
        vg_fiber_start(w->loops[f % LOOPS], f == FACTS ? reader_fiber : writer_fiber, &args[f]);
    }
}

static int
write_main(struct vg_str dir, struct vg_str faults)
{
    static struct writer w;
    struct vg_err err = { 0 };
    if (vg_fault_setup(faults, &err) != VG_OK)
        die("faults", &err);
    int64_t from_us = vg_mono_us();
    if (vg_kv_open_rocks(&(struct vg_kv_options) { .path = dir }, &w.kv, &err) != VG_OK)
        die("opening", &err);
    say('O', 0, vg_mono_us() - from_us, 0);
    w.random = vg_random_new(LOOPS, NULL);
    if (vg_blobs_open(dir, w.kv, w.random, &w.blobs, &err) != VG_OK)
        die("opening", &err);
    report(&w);
    say('R', 0, 0, 0);
    for (int i = 0; i < LOOPS; i++)
        w.loops[i] = vg_loop_new(i);
    vg_fiber_start(w.loops[0], start_all, &w);
    pthread_t thread;
    pthread_create(&thread, NULL, loop_thread, w.loops[1]);
    vg_loop_run(w.loops[0]);
    return 0;
}

/* --- a disk that fills up -----------------------------------------------------------------------
 */

/*
 * One write of a megabyte; ENOSPC is the only failure that may come, and ESTALE for a transaction
 * that was open while the store closed and opened again after a failed flush.
 */
static bool
fill_one(struct vg_kv *kv, struct vg_str bytes, int64_t n)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_sess s;
    struct vg_err err;
    struct vg_tx *tx;
    struct vg_str part = part_of(a, "fill", 0), first;
    vg_sess_init(&s, kv, a);
    if (vg_kv_begin(&s, &part, 1, &tx, &err) != VG_OK)
        die("beginning", &err);
    vg_tx_put(tx, part, vg_key_of(a, vg_str_fmt(a, "%lld", (long long)n)), bytes);
    bool is_written = vg_tx_commit(&tx, &err) == VG_OK;
    if (!is_written && err.os_errno != ENOSPC && err.os_errno != ESTALE)
        die("writing", &err);
    if (is_written && vg_kv_gate(&s, &err) != VG_OK)
        die("the gate", &err);
    if (vg_kv_get(&s, part, vg_key_of(a, VG_STR("0")), &first, &err) != VG_OK
        || first.len != bytes.len)
        die("reading", &err);
    return is_written;
}

static int
fill_main(struct vg_str dir)
{
    struct vg_kv *kv;
    struct vg_err err = { 0 };
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    if (vg_kv_open_rocks(&(struct vg_kv_options) { .path = dir }, &kv, &err) != VG_OK)
        die("opening", &err);
    struct vg_str bytes = vg_str_n(vg_arena_alloc(a, 1u << 20), 1u << 20);
    struct vg_random *random = vg_random_new(1, NULL);
    vg_random_bytes(random, (char *)(uintptr_t)bytes.ptr, bytes.len);
    vg_random_free(random);
    int64_t n = 0;
    while (fill_one(kv, bytes, n))
        n++;
    say('E', 0, n, 0);
    getchar(); /* a flush may make room by itself: the test says when to go on */
    while (!fill_one(kv, bytes, n))
        usleep(20000);
    say('B', 0, n, 0);
    vg_kv_close(kv);
    return 0;
}

/* --- the driver ---------------------------------------------------------------------------------
 */

struct driver {
    const char *self, *dir;
    unsigned dice;
    int64_t acked[FACTS], timers_done;
    int64_t opens_us[2048];
    size_t n_opens;
    int64_t n_acks;
};

static unsigned
roll(struct driver *d, unsigned below)
{
    d->dice = d->dice * 1103515245u + 12345u;
    return (d->dice >> 16) % below;
}

static void
take_found(struct driver *d, int round, int f, int64_t left, int64_t right)
{
    bool is_lost = left<d->acked[f], is_phantom = left> d->acked[f] + 1;
    bool is_half = f != TIMER && left != right;
    bool is_timer_wrong = f == TIMER && (right > left || right < d->timers_done);
    if (is_lost || is_phantom || is_half || is_timer_wrong) {
        fprintf(stderr, "round %d: fiber %d: acknowledged %lld, found %lld and %lld: %s\n", round,
                f, (long long)d->acked[f], (long long)left, (long long)right,
                is_lost      ? "LOST"
                : is_phantom ? "NEVER WRITTEN"
                             : "HALF DONE");
        exit(1);
    }
    d->acked[f] = left;
    if (f == TIMER)
        d->timers_done = right;
}

/* One line of the writer's. */
static void
take_line(struct driver *d, int round, const char *line, bool *ret_is_ready)
{
    char kind;
    int f;
    long long a, b;
    if (sscanf(line, "%c %d %lld %lld", &kind, &f, &a, &b) != 4 || f < 0 || f >= FACTS)
        die("a line that is none", NULL);
    if (kind == 'F')
        take_found(d, round, f, a, b);
    else if (kind == 'O')
        d->opens_us[d->n_opens++ % VG_COUNT(d->opens_us)] = a;
    else if (kind == 'R')
        *ret_is_ready = true;
    else
        d->acked[f] = VG_MAX(d->acked[f], a); /* acknowledged, or seen by a reader */
    d->n_acks += kind == 'A';
}

static const char *const faults[] = {
    "",
    "store.commit.before=crash",
    "store.commit.after=crash",
    "store.gate.before_sync=crash",
    "",
    "store.gate.after_sync=crash",
    "store.blob.renamed=crash",
    "events.run.before=crash",
    "events.run.after=crash",
};

static void
one_round(struct driver *d, int round)
{
    char fault[96];
    int to[2];
    const char *point = faults[(size_t)round % VG_COUNT(faults)];
    snprintf(fault, sizeof(fault), "%s%s%u", point, *point ? "@" : "none=fail@", 1 + roll(d, 60));
    const char *const argv[] = { d->self, "--write", d->dir, fault, NULL };
    if (pipe(to) != 0)
        die("pipe", NULL);
    const struct vg_fd_map fds[] = { { to[1], 1 }, { 2, 2 } };
    pid_t pid;
    struct vg_err err;
    if (vg_process_spawn(
            &(struct vg_spawn) { .path = d->self, .argv = argv, .fds = fds, .n_fds = 2 }, &pid,
            &err)
        != VG_OK)
        die("starting the writer", &err);
    close(to[1]);
    FILE *in = fdopen(to[0], "r");
    char line[128];
    bool is_ready = false, is_killed = false;
    int64_t until_ms = 0;
    while (in && fgets(line, sizeof(line), in)) {
        bool was_ready = is_ready;
        take_line(d, round, line, &is_ready);
        if (is_ready && !was_ready)
            until_ms = vg_mono_ms() + 3 + (int64_t)roll(d, *point ? 2000 : 150);
        if (is_ready && !is_killed && vg_mono_ms() >= until_ms) {
            kill(pid, SIGKILL);
            is_killed = true; /* what is still in the pipe was acknowledged */
        }
    }
    fclose(in);
    struct vg_exit end;
    if (vg_process_wait_blocking(pid, &end, &err) != VG_OK)
        die("waiting", &err);
    /* An armed point may be met while it still opens. */
    if (end.signal != SIGKILL || (!is_ready && !*point))
        die("the writer ended by itself", NULL);
}

static int
cmp_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--write") == 0)
        return write_main(vg_str_of(argv[2]), vg_str_of(argv[3]));
    if (argc == 3 && strcmp(argv[1], "--fill") == 0)
        return fill_main(vg_str_of(argv[2]));
    if (argc < 3)
        die("usage: store_crash DIR ROUNDS [SEED]", NULL);
    static struct driver d;
    int64_t rounds = 0, seed = vg_mono_us() & 0xFFFFFF;
    if (!vg_str_to_i64(vg_str_of(argv[2]), &rounds)
        || (argc > 3 && !vg_str_to_i64(vg_str_of(argv[3]), &seed)))
        die("not a number", NULL);
    if (access(argv[1], F_OK) == 0)
        die("DIR exists already; it must be new", NULL);
    d.self = "/proc/self/exe";
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = '\0';
        d.self = self;
    }
    d.dir = argv[1];
    d.dice = (unsigned)seed;
    printf("seed %lld\n", (long long)seed);
    fflush(stdout);
    for (int i = 0; i < rounds; i++)
        one_round(&d, i);
    size_t opens = VG_MIN(d.n_opens, VG_COUNT(d.opens_us));
    qsort(d.opens_us, opens, sizeof(d.opens_us[0]), cmp_i64);
    printf("%lld kills, %lld acknowledged writes, none lost; opening after a kill: median %.1f ms, "
           "most %.1f ms\n",
           (long long)rounds, (long long)d.n_acks, (double)d.opens_us[opens / 2] / 1000,
           (double)d.opens_us[opens - 1] / 1000);
    return 0;
}
