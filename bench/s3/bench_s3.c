/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The writer and the reader of S3's contents beside what bounds them. One JSON object on stdout.
 *
 *     bench_s3 DIR MB     DIR must be new; on the disk to be measured
 *
 * put_ratio: MB/s of the writer by those of the slower of MD5 alone and write + fsync.
 * get_ratio: MB/s of the reader by those of a bare loop of read, AES-GCM, write (to /dev/null),
 * with OpenSSL's cipher, which is what any program has; bare_best_mbps: with the one that Virga
 * takes.
 */

#include "base/arena.h"
#include "core/env.h"
#include "crypto/gcm.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/segment.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "services/s3/s3_content.h"
#include "store/blob.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 5 };

struct bench {
    struct vg_env env;
    struct vg_sess sess;
    struct vg_err err;
    struct vg_req rq;
    void *svc;
    struct vg_loop *loop;
    struct vg_str bytes;
    const char *dir;
    int null;
    double put, get, md5, fsynced, bare, bare_best;
};

static void
must(vg_rc rc, struct bench *b, const char *what)
{
    if (rc == VG_OK)
        return;
    fprintf(stderr, "bench_s3: %s: %s\n", what, b->err.msg);
    exit(1);
}

static void
best(double *mbps, size_t bytes, int64_t from_us)
{
    double now = (double)bytes / (double)(vg_mono_us() - from_us);
    *mbps = VG_MAX(*mbps, now);
}

static void
measure_md5(struct bench *b)
{
    uint8_t md5[VG_MD5_BYTES];
    int64_t from_us = vg_mono_us();
    vg_md5(b->bytes, md5);
    best(&b->md5, b->bytes.len, from_us);
}

static void
measure_fsync(struct bench *b)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/bare", b->dir);
    int64_t from_us = vg_mono_us();
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    must(vg_fd_write_all(fd, b->bytes, &b->err), b, "write");
    if (fsync(fd) != 0)
        exit(1);
    close(fd);
    best(&b->fsynced, b->bytes.len, from_us);
    unlink(path);
}

static struct s3_source
measure_put(struct bench *b) VG_WAITS
{
    const struct s3_sealer sealer = { .account = VG_STR("000000000000") };
    const struct s3_declared d = { .size = (int64_t)b->bytes.len };
    struct s3_written w;
    s3_auto_writer struct s3_writer *writer = NULL;
    int64_t from_us = vg_mono_us();
    must(s3_writer_open(&b->rq, &sealer, &d, &writer), b, "open");
    for (size_t i = 0; i < b->bytes.len; i += 65536)
        must(s3_writer_add(writer, vg_str_slice(b->bytes, i, i + 65536)), b, "add");
    must(s3_writer_finish(writer, VG_STR_NONE, &w), b, "finish");
    best(&b->put, b->bytes.len, from_us);
    return (struct s3_source) { .content = w.content };
}

static void
measure_get(struct bench *b, const struct s3_source *s) VG_WAITS
{
    const struct s3_sealer sealer = { .account = VG_STR("000000000000") };
    struct vg_str piece = VG_STR("-");
    s3_auto_reader struct s3_reader *r = NULL;
    int64_t from_us = vg_mono_us();
    must(s3_reader_open(&b->rq, &sealer, s, 1, 0, b->bytes.len, &r), b, "open");
    while (piece.len > 0) {
        must(s3_reader_next(r, &piece), b, "next");
        must(vg_fd_write_all(b->null, piece, &b->err), b, "write");
    }
    best(&b->get, b->bytes.len, from_us);
}

/* The same file with a key that is not its own: what is not opened is deciphered all the same. */
static void
measure_bare(struct bench *b, const struct s3_source *s, struct vg_gcm *cipher, double *mbps)
{
    static const uint8_t nonce[VG_GCM_NONCE_BYTES];
    static uint8_t room[VG_SEGMENT_STORED_BYTES];
    struct vg_str path = vg_blob_path(b->env.blobs, b->rq.arena, s->content->blob);
    int64_t from_us = vg_mono_us();
    int fd = open(vg_str_cstr(b->rq.arena, path), O_RDONLY | O_CLOEXEC);
    ssize_t n;
    while ((n = read(fd, room, sizeof(room))) > 0) {
        (void)!vg_gcm_open(cipher, nonce, VG_STR("m"), vg_str_n(room, (size_t)n), room);
        must(vg_fd_write_all(b->null, vg_str_n(room, (size_t)n), &b->err), b, "write");
    }
    close(fd);
    best(mbps, b->bytes.len, from_us);
}

static void
measure(void *arg)
{
    static const uint8_t key[VG_GCM_KEY_BYTES];
    struct bench *b = arg;
    vg_auto_gcm struct vg_gcm *plain = vg_gcm_openssl.new(key), *taken = vg_gcm_new(key);
    for (int i = 0; i < ROUNDS; i++) {
        measure_md5(b);
        measure_fsync(b);
        struct s3_source s = measure_put(b);
        measure_bare(b, &s, plain, &b->bare);
        measure_bare(b, &s, taken, &b->bare_best);
        measure_get(b, &s);
        s3_content_drop(&b->rq, s.content);
    }
    vg_loop_stop(b->loop);
}

int
main(int argc, char **argv)
{
    static struct bench b;
    if (argc != 3)
        return 2;
    b.dir = argv[1];
    size_t n = strtoul(argv[2], NULL, 10) << 20;
    b.rq = (struct vg_req) { .arena = vg_arena_new(0), .env = &b.env, .err = &b.err };
    b.env.random = vg_random_new(1, NULL);
    char *bytes = vg_xalloc(n);
    vg_random_bytes(b.env.random, bytes, n);
    b.bytes = vg_str_n(bytes, n);
    b.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    must(vg_dir_make(vg_str_of(b.dir), 0700, &b.err), &b, "making the folder");
    must(vg_kv_open_rocks(&(struct vg_kv_options) { .path = vg_str_of(b.dir) }, &b.env.kv, &b.err),
         &b, "opening the store");
    must(vg_blobs_open(vg_str_of(b.dir), b.env.kv, b.env.random, &b.env.blobs, &b.err), &b,
         "opening the files");
    must(s3_service.init(&b.env, &b.svc, &b.err), &b, "the service");
    vg_sess_init(&b.sess, b.env.kv, b.rq.arena);
    b.rq.sess = &b.sess;
    b.rq.svc = b.svc;
    b.loop = vg_loop_new(0);
    vg_fiber_start(b.loop, measure, &b);
    vg_loop_run(b.loop);
    vg_loop_free(b.loop);
    double bound = VG_MIN(b.md5, b.fsynced);
    printf(
        "{\"mb\": %zu, \"put_mbps\": %.0f, \"md5_mbps\": %.0f, \"fsync_mbps\": %.0f, "
        "\"put_ratio\": %.2f, \"get_mbps\": %.0f, \"bare_mbps\": %.0f, \"bare_best_mbps\": %.0f, "
        "\"get_ratio\": %.2f}\n",
        n >> 20, b.put, b.md5, b.fsynced, b.put / bound, b.get, b.bare, b.bare_best,
        b.get / b.bare);
    vg_blobs_close(b.env.blobs);
    vg_kv_close(b.env.kv);
    s3_service.fini(b.svc);
    vg_random_free(b.env.random);
    vg_arena_free(b.rq.arena);
    free(bytes);
    return 0;
}
