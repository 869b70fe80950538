/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store beside bare write + fdatasync. One JSON object on stdout.
 *
 *     bench_store DIR SECONDS     DIR must be new; on the disk to be measured
 *     bench_store --fill DIR MB   fills the log and kills itself (for the time of opening)
 */

#include "base/arena.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "os/process.h"
#include "store/key.h"
#include "store/kv.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS = 2, VALUE_BYTES = 400, SAMPLES = 200000, READ_KEYS = 100000 };

static char value[VALUE_BYTES];

static void VG_NORETURN
die(const char *what, const struct vg_err *err)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, err ? err->msg : "");
    exit(1);
}

static int
cmp_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double
bare_per_s(const char *dir, int64_t ms)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/bare", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    (void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 64 << 20); /* as RocksDB does for its log */
    int64_t from_us = vg_mono_us(), n = 0;
    for (; vg_mono_us() - from_us < ms * 1000; n++)
        if (write(fd, value, sizeof(value)) != (ssize_t)sizeof(value) || fdatasync(fd) != 0)
            die("writing", NULL);
    double s = (double)(vg_mono_us() - from_us) / 1e6;
    close(fd);
    unlink(path);
    return (double)n / s;
}

/* --- durable puts -------------------------------------------------------------------------------
 */

struct puts {
    struct vg_kv *kv;
    struct vg_loop *loops[LOOPS];
    int64_t until_us;
    _Atomic int running;
    _Atomic uint32_t n;
    uint32_t us[SAMPLES];
};

struct putter {
    struct puts *p;
    int f;
};

static void
putter_fiber(void *arg)
{
    struct putter *me = arg;
    struct puts *p = me->p;
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    for (int i = 0; vg_mono_us() < p->until_us; i++) {
        struct vg_sess s;
        struct vg_err err;
        struct vg_tx *tx;
        vg_sess_init(&s, p->kv, a);
        struct vg_str part =
            vg_key_of(a, VG_STR("bench"), vg_str_fmt(a, "%d", (me->f * 7 + i) % 64));
        int64_t from_us = vg_mono_us();
        if (vg_kv_begin(&s, &part, 1, &tx, &err) != VG_OK)
            die("begin", &err);
        vg_tx_put(tx, part, vg_key_of(a, vg_str_fmt(a, "%d.%d", me->f, i)),
                  vg_str_n(value, sizeof(value)));
        if (vg_tx_commit(&tx, &err) != VG_OK || vg_kv_gate(&s, &err) != VG_OK)
            die("put", &err);
        uint32_t at = p->n++;
        if (at < SAMPLES)
            p->us[at] = (uint32_t)(vg_mono_us() - from_us);
        vg_arena_clear(a);
    }
    if (atomic_fetch_sub(&p->running, 1) == 1)
        for (int i = 0; i < LOOPS; i++)
            vg_loop_stop(p->loops[i]);
}

static void *
loop_thread(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

static void
bench_puts(struct vg_kv *kv, int fibers, int64_t ms)
{
    static struct puts p;
    static struct putter putters[256];
    memset(&p, 0, sizeof(p));
    p.kv = kv;
    p.running = fibers;
    p.until_us = vg_mono_us() + ms * 1000;
    pthread_t threads[LOOPS];
    for (int i = 0; i < LOOPS; i++)
        p.loops[i] = vg_loop_new(i);
    for (int i = 0; i < fibers; i++) {
        putters[i] = (struct putter) { &p, i };
        vg_fiber_start(p.loops[i % LOOPS], putter_fiber, &putters[i]);
    }
    for (int i = 0; i < LOOPS; i++)
        pthread_create(&threads[i], NULL, loop_thread, p.loops[i]);
    for (int i = 0; i < LOOPS; i++) {
        pthread_join(threads[i], NULL);
        vg_loop_free(p.loops[i]);
    }
    uint32_t n = VG_MIN(p.n, SAMPLES);
    qsort(p.us, n, sizeof(p.us[0]), cmp_u32);
    printf("    {\"clients\": %d, \"per_s\": %.0f, \"p50_us\": %u, \"p99_us\": %u},\n", fibers,
           (double)p.n * 1000 / (double)ms, p.us[n / 2], p.us[(uint64_t)n * 99 / 100]);
}

/* --- reads --------------------------------------------------------------------------------------
 */

static void
bench_reads(struct vg_kv *kv, const char *name)
{
    static uint32_t ns[SAMPLES];
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    unsigned dice = 1;
    struct vg_err err;
    int64_t all_us = vg_mono_us();
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct vg_sess s;
        struct vg_str v;
        vg_sess_init(&s, kv, a);
        dice = dice * 1103515245u + 12345u;
        struct vg_str part = vg_key_of(a, VG_STR("reads"));
        struct vg_str key = vg_key_of(a, vg_str_fmt(a, "%u", (dice >> 8) % READ_KEYS));
        struct timespec t0, t1;
        clock_gettime(CLOCK_MONOTONIC, &t0);
        if (vg_kv_get(&s, part, key, &v, &err) != VG_OK || v.len != VALUE_BYTES)
            die("get", &err);
        clock_gettime(CLOCK_MONOTONIC, &t1);
        ns[i] = (uint32_t)((t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec - t0.tv_nsec);
        vg_arena_clear(a);
    }
    all_us = vg_mono_us() - all_us;
    qsort(ns, SAMPLES, sizeof(ns[0]), cmp_u32);
    printf("    {\"what\": \"%s\", \"per_s\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f},\n", name,
           SAMPLES * 1e6 / (double)all_us, ns[SAMPLES / 2] / 1e3, ns[SAMPLES * 99 / 100] / 1e3);
}

static void
fill(struct vg_kv *kv, uint32_t keys)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    struct vg_err err;
    for (uint32_t i = 0; i < keys; i += 100) {
        struct vg_sess s;
        struct vg_tx *tx;
        vg_sess_init(&s, kv, a);
        struct vg_str part = vg_key_of(a, VG_STR("reads"));
        if (vg_kv_begin(&s, &part, 1, &tx, &err) != VG_OK)
            die("begin", &err);
        for (uint32_t j = i; j < i + 100; j++)
            vg_tx_put(tx, part, vg_key_of(a, vg_str_fmt(a, "%u", j)),
                      vg_str_n(value, sizeof(value)));
        if (vg_tx_commit(&tx, &err) != VG_OK || vg_kv_gate(&s, &err) != VG_OK)
            die("fill", &err);
        vg_arena_clear(a);
    }
}

/* --- opening ------------------------------------------------------------------------------------
 */

static struct vg_kv *
open_kv(const char *dir, double *ret_ms)
{
    struct vg_kv *kv;
    struct vg_err err;
    int64_t from_us = vg_mono_us();
    if (vg_kv_open_rocks(&(struct vg_kv_options) { .path = vg_str_of(dir) }, &kv, &err) != VG_OK)
        die("opening", &err);
    *ret_ms = (double)(vg_mono_us() - from_us) / 1000;
    return kv;
}

static double
open_after_kill_ms(const char *self, const char *dir, const char *mb)
{
    double ms[5];
    for (int i = 0; i < 5; i++) {
        const char *const argv[] = { self, "--fill", dir, mb, NULL };
        const struct vg_fd_map fds[] = { { 2, 2 } };
        pid_t pid;
        struct vg_err err;
        struct vg_exit end;
        if (vg_process_spawn(
                &(struct vg_spawn) { .path = self, .argv = argv, .fds = fds, .n_fds = 1 }, &pid,
                &err)
                != VG_OK
            || vg_process_wait_blocking(pid, &end, &err) != VG_OK)
            die("spawn", &err);
        struct vg_kv *kv = open_kv(dir, &ms[i]);
        vg_kv_close(kv);
    }
    double least = ms[0];
    for (int i = 1; i < 5; i++)
        least = VG_MIN(least, ms[i]);
    double most = ms[0], sum = 0;
    for (int i = 0; i < 5; i++) {
        most = VG_MAX(most, ms[i]);
        sum += ms[i];
    }
    return (sum - least - most) / 3;
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: bench_store DIR SECONDS", NULL);
    memset(value, 'x', sizeof(value));
    double ms;
    if (argc == 4 && strcmp(argv[1], "--fill") == 0) {
        struct vg_kv *kv = open_kv(argv[2], &ms);
        fill(kv, (uint32_t)strtoul(argv[3], NULL, 10) * 2200);
        kill(getpid(), SIGKILL);
    }
    int64_t each_ms = (int64_t)strtol(argv[2], NULL, 10) * 1000;
    char self[512] = { 0 };
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        die("readlink", NULL);
    struct vg_kv *kv = open_kv(argv[1], &ms);
    printf("{\"open_new_ms\": %.1f,\n \"bare_per_s\": %.0f,\n \"puts\": [\n", ms,
           bare_per_s(argv[1], each_ms));
    const int fibers[] = { 1, 8, 16, 64 };
    for (size_t i = 0; i < VG_COUNT(fibers); i++)
        bench_puts(kv, fibers[i], each_ms);
    printf("    null],\n \"bare_again_per_s\": %.0f,\n \"reads\": [\n",
           bare_per_s(argv[1], each_ms));
    fill(kv, READ_KEYS);
    bench_reads(kv, "40 MB lately written");
    vg_kv_close(kv);
    kv = open_kv(argv[1], &ms);
    bench_reads(kv, "40 MB after a restart");
    vg_kv_close(kv);
    double clean[5];
    for (int i = 0; i < 5; i++) {
        kv = open_kv(argv[1], &clean[i]);
        vg_kv_close(kv);
    }
    printf("    null],\n \"open_clean_ms\": %.1f,\n", (clean[1] + clean[2] + clean[3]) / 3);
    printf(" \"open_killed_1mb_ms\": %.1f,\n", open_after_kill_ms(self, argv[1], "1"));
    printf(" \"open_killed_8mb_ms\": %.1f,\n", open_after_kill_ms(self, argv[1], "8"));
    printf(" \"open_killed_30mb_ms\": %.1f}\n", open_after_kill_ms(self, argv[1], "30"));
    return 0;
}
