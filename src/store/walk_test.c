/* SPDX-License-Identifier: Apache-2.0 */

/* Walks, and stores that are open for reading only: the rules of store/walk.h, kv.h, folder.h. */

#include "base/fault.h"
#include "base/test.h"
#include "os/file.h"
#include "store/blob.h"
#include "store/folder.h"
#include "store/key.h"
#include "store/walk.h"

#include "crypto/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fix {
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_err err;
};

/* What a walk met, as text. */
struct met {
    struct vg_buf rows;
    struct vg_str text;
    size_t n, n_gaps;
    char gap[256];
};

static int
setup(void **state)
{
    struct fix *f = vg_xalloc(sizeof(*f));
    char dir[] = "/tmp/vg_walk_XXXXXX";
    assert_non_null(mkdtemp(dir));
    f->arena = vg_arena_new(0);
    f->dir = vg_str_dup(f->arena, vg_str_of(dir));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    assert_ok(vg_fault_setup(VG_STR(""), &f->err));
    assert_ok(vg_dir_remove(f->dir, &f->err));
    vg_arena_free(f->arena);
    free(f);
    return 0;
}

static struct vg_str
below(struct fix *f, const char *name)
{
    return vg_str_fmt(f->arena, "%" VG_FMT "/%s", VG_ARG(f->dir), name);
}

static struct vg_kv *
open_kv(struct fix *f)
{
    struct vg_kv *kv = NULL;
    if (vg_kv_open_rocks(&(struct vg_kv_options) { .path = f->dir }, &kv, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    return kv;
}

static struct vg_kv *
look(struct fix *f)
{
    struct vg_folder *folder = NULL;
    struct vg_kv *kv = NULL;
    if (vg_folder_look(f->dir, &folder, &f->err) != VG_OK
        || vg_kv_open_readonly(folder, &kv, &f->err) != VG_OK)
        fail_msg("%s", f->err.msg);
    return kv;
}

static void
put(struct fix *f, struct vg_kv *kv, struct vg_str part, struct vg_str key, struct vg_str value)
{
    struct vg_sess s;
    struct vg_tx *tx;
    vg_sess_init(&s, kv, f->arena);
    assert_ok(vg_kv_begin(&s, &part, 1, &tx, &f->err));
    vg_tx_put(tx, part, key, value);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_ok(vg_kv_gate(&s, &f->err));
}

#define P(...) vg_key_of(f->arena, __VA_ARGS__)

static void
on_row(void *arg, const struct vg_walk_row *row)
{
    struct met *m = arg;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_str rest = row->part, part, first = VG_STR("");
    int64_t n;
    while (vg_key_take_str(arena, &rest, &part)) {
        vg_buf_adds(&m->rows, first);
        vg_buf_adds(&m->rows, part);
        first = VG_STR("/");
    }
    if (vg_key_take_i64(&rest, &n))
        vg_buf_addf(&m->rows, "/%lld", (long long)n);
    assert_int_equal(rest.len, 0);
    vg_buf_addf(&m->rows, "%s %" VG_FMT "=%" VG_FMT "\n", row->is_beside ? "+" : "",
                VG_ARG(row->key), VG_ARG(row->value));
    m->n++;
}

static void
on_gap(void *arg, const struct vg_err *why)
{
    struct met *m = arg;
    m->n_gaps++;
    memcpy(m->gap, why->msg, sizeof(m->gap));
}

static struct met
walk(struct fix *f, struct vg_kv *kv, struct vg_str prefix)
{
    struct met m = { .n = 0 };
    vg_buf_init(&m.rows, f->arena, 64u << 20);
    const struct vg_walk w = {
        .kv = kv, .prefix = prefix, .row = on_row, .gap = on_gap, .arg = &m
    };
    vg_walk(&w);
    m.text = vg_buf_str(&m.rows);
    return m;
}

/* --- walks --------------------------------------------------------------------------------------
 */

static void
fill(struct fix *f, struct vg_kv *kv)
{
    struct vg_key k;
    vg_key_init(&k, f->arena);
    vg_key_str(&k, VG_STR("s"));
    vg_key_i64(&k, -7);
    put(f, kv, P(VG_STR("a")), VG_STR("1"), VG_STR("one"));
    put(f, kv, P(VG_STR("s"), VG_STR("o")), VG_STR("2"), VG_STR("two"));
    put(f, kv, P(VG_STR("s"), VG_STR("o"), vg_str_n("\0x", 2)), VG_STR(""), VG_STR(""));
    put(f, kv, vg_key_beside(f->arena, P(VG_STR("s"), VG_STR("o"))), VG_STR("t"), VG_STR("at"));
    put(f, kv, vg_key_done(&k), VG_STR("3"), VG_STR("three"));
    put(f, kv, P(VG_STR("so")), VG_STR("4"), VG_STR("four"));
}

static void
walks_meet_every_row_of_every_partition(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = NULL;
    assert_ok(vg_kv_open_mem(&kv, &f->err));
    fill(f, kv);
    assert_str(walk(f, kv, VG_STR_NONE).text,
               "a 1=one\ns/-7 3=three\ns/o 2=two\ns/o+ t=at\ns/o/\0x =\nso 4=four\n");
    vg_kv_close(kv);
}

static void
a_prefix_is_of_whole_parts(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = NULL;
    assert_ok(vg_kv_open_mem(&kv, &f->err));
    fill(f, kv);
    assert_str(walk(f, kv, P(VG_STR("s"))).text, "s/-7 3=three\ns/o 2=two\ns/o+ t=at\ns/o/\0x =\n");
    assert_str(walk(f, kv, P(VG_STR("s"), VG_STR("o"))).text, "s/o 2=two\ns/o+ t=at\ns/o/\0x =\n");
    assert_int_equal(walk(f, kv, P(VG_STR("x"))).n, 0);
    vg_kv_close(kv);
}

enum { MANY = 5000 };

static void
put_many(struct fix *f, struct vg_kv *kv)
{
    char value[1000];
    struct vg_sess s;
    struct vg_tx *tx;
    memset(value, 'v', sizeof(value));
    vg_sess_init(&s, kv, f->arena);
    assert_ok(vg_kv_begin(&s, NULL, 0, &tx, &f->err));
    for (int i = 0; i < MANY; i++)
        vg_tx_put(tx, P(VG_STR("s"), vg_str_fmt(f->arena, "%d", i % 50)),
                  P(vg_str_fmt(f->arena, "key %04d", i)), vg_str_n(value, sizeof(value)));
    assert_ok(vg_tx_commit(&tx, &f->err));
}

static void
walks_go_over_many_pages(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = NULL;
    assert_ok(vg_kv_open_mem(&kv, &f->err));
    put_many(f, kv);
    struct met m = walk(f, kv, VG_STR_NONE);
    assert_int_equal(m.n, MANY);
    assert_int_equal(m.n_gaps, 0);
    vg_kv_close(kv);
}

/* --- for reading only ---------------------------------------------------------------------------
 */

static int
is_below(const struct dirent *e)
{
    return strcmp(e->d_name, "..") != 0; /* that one is everybody's */
}

/* Names, sizes and times of a folder and all that is below it. */
static void
describe(struct fix *f, struct vg_str dir, struct vg_buf *to)
{
    struct dirent **names;
    int n = scandir(vg_str_cstr(f->arena, dir), &names, is_below, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        struct vg_str path = vg_str_fmt(f->arena, "%" VG_FMT "/%s", VG_ARG(dir), names[i]->d_name);
        struct stat st;
        assert_int_equal(stat(vg_str_cstr(f->arena, path), &st), 0);
        vg_buf_addf(to, "%" VG_FMT " %lld %lld.%ld\n", VG_ARG(path), (long long)st.st_size,
                    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        if (S_ISDIR(st.st_mode) && names[i]->d_name[0] != '.')
            describe(f, path, to);
        free(names[i]);
    }
    free(names);
}

static struct vg_str
description(struct fix *f)
{
    struct vg_buf b;
    vg_buf_init(&b, f->arena, 1u << 20);
    describe(f, f->dir, &b);
    return vg_buf_str(&b);
}

/* A copy of the folder as a kill would leave it now: its log is not written out. */
static void
copy_folder(struct fix *f, const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "cp -a '%" VG_FMT "' '%s'", VG_ARG(f->dir), to);
    assert_int_equal(system(command), 0);
}

static void
looking_changes_nothing_and_meets_what_only_the_log_has(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = open_kv(f);
    struct vg_str was = f->dir;
    put(f, kv, P(VG_STR("a")), VG_STR("1"), VG_STR("one"));
    f->dir = vg_str_cat(f->arena, was, VG_STR("-copy"));
    struct vg_str copy = f->dir;
    f->dir = was;
    copy_folder(f, vg_str_cstr(f->arena, copy));
    vg_kv_close(kv);

    f->dir = copy;
    struct vg_str before = description(f);
    kv = look(f);
    assert_ok(vg_kv_check_end(kv, &f->err));
    assert_str(walk(f, kv, VG_STR_NONE).text, "a 1=one\n");
    struct vg_sess s;
    struct vg_str part = P(VG_STR("a"));
    struct vg_tx *tx;
    vg_sess_init(&s, kv, f->arena);
    assert_ok(vg_kv_begin(&s, &part, 1, &tx, &f->err));
    vg_tx_put(tx, part, VG_STR("2"), VG_STR("two"));
    assert_int_equal(vg_tx_commit(&tx, &f->err), VG_FAIL);
    vg_kv_close(kv);
    assert_true(vg_str_eq(description(f), before));
    assert_ok(vg_dir_remove(copy, &f->err));
    f->dir = was;
}

static void
folders_that_are_not_there_or_not_ours_are_left_alone(void **state)
{
    struct fix *f = *state;
    struct vg_folder *folder = NULL;
    struct vg_str was = f->dir;
    f->dir = below(f, "absent");
    assert_int_equal(vg_folder_look(f->dir, &folder, &f->err), VG_FAIL);
    assert_non_null(strstr(f->err.msg, "is no data folder of Virga's"));
    assert_false(vg_file_exists(f->dir));
    f->dir = was;
    struct vg_str before = description(f);
    assert_int_equal(vg_folder_look(f->dir, &folder, &f->err), VG_FAIL);
    assert_non_null(strstr(f->err.msg, "is no data folder of Virga's"));
    assert_true(vg_str_eq(description(f), before));
    assert_ok(vg_file_write(below(f, "VERSION"), VG_STR("virga data 2\n"), 0600, &f->err));
    assert_int_equal(vg_folder_look(f->dir, &folder, &f->err), VG_FAIL);
    assert_non_null(strstr(f->err.msg, "another version of Virga"));
}

static void
who_looks_shares_the_lock_with_nobody_who_writes(void **state)
{
    struct fix *f = *state;
    struct vg_folder *one = NULL, *two = NULL;
    struct vg_kv *kv = open_kv(f);
    assert_int_equal(vg_folder_look(f->dir, &one, &f->err), VG_FAIL);
    assert_int_equal(f->err.os_errno, EWOULDBLOCK);
    assert_non_null(strstr(f->err.msg, "is in use by another virga (process "));
    vg_kv_close(kv);
    assert_ok(vg_folder_look(f->dir, &one, &f->err));
    assert_ok(vg_folder_look(f->dir, &two, &f->err));
    vg_folder_close(two);
    assert_int_equal(vg_kv_open_rocks(&(struct vg_kv_options) { .path = f->dir }, &kv, &f->err),
                     VG_FAIL);
    assert_int_equal(f->err.os_errno, EWOULDBLOCK);
    vg_folder_close(one);
    assert_ok(vg_file_remove(below(f, "LOCK"), &f->err)); /* as in a copy */
    assert_ok(vg_folder_look(f->dir, &one, &f->err));
    vg_folder_close(one);
    assert_false(vg_file_exists(below(f, "LOCK")));
}

/* --- damage -------------------------------------------------------------------------------------
 */

/* The largest of the store's files whose name ends so. */
static struct vg_str
find_file(struct fix *f, const char *end)
{
    struct vg_str found = VG_STR_NONE, dir = below(f, "kv");
    off_t size = -1;
    DIR *d = opendir(vg_str_cstr(f->arena, dir));
    assert_non_null(d);
    struct dirent *e;
    while ((e = readdir(d))) {
        struct stat st;
        struct vg_str path = vg_str_fmt(f->arena, "%" VG_FMT "/%s", VG_ARG(dir), e->d_name);
        if (!vg_str_ends(path, vg_str_of(end)) || stat(vg_str_cstr(f->arena, path), &st) != 0
            || st.st_size <= size)
            continue;
        size = st.st_size;
        found = path;
    }
    closedir(d);
    assert_true(size > 0);
    return found;
}

static void
flip_byte(struct fix *f, struct vg_str path, double where)
{
    int fd = open(vg_str_cstr(f->arena, path), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    struct stat st;
    unsigned char c;
    assert_int_equal(fstat(fd, &st), 0);
    off_t at = (off_t)((double)st.st_size * where);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 1;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

static void
a_damaged_block_is_a_gap_and_what_is_behind_it_is_met(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = open_kv(f);
    put_many(f, kv);
    vg_kv_close(kv);
    flip_byte(f, find_file(f, ".sst"), 0.4);
    kv = look(f);
    struct met m = walk(f, kv, VG_STR_NONE);
    vg_kv_close(kv);
    assert_int_equal(m.n_gaps, 1);
    assert_non_null(strstr(m.gap, "checksum mismatch"));
    assert_true(m.n < MANY && m.n > MANY - 300);
    assert_non_null(strstr(vg_str_cstr(f->arena, m.text), "key 4999"));
}

static void
a_first_block_that_is_damaged_is_a_gap_too(void **state)
{
    struct fix *f = *state;
    struct vg_kv *kv = open_kv(f);
    put_many(f, kv);
    vg_kv_close(kv);
    flip_byte(f, find_file(f, ".sst"), 0.0001);
    kv = look(f);
    struct met m = walk(f, kv, P(VG_STR("s")));
    vg_kv_close(kv);
    assert_int_equal(m.n_gaps, 1);
    assert_true(m.n < MANY && m.n > MANY / 2);
}

static void
a_store_that_ends_too_early_can_be_looked_at_and_says_so(void **state)
{
    struct fix *f = *state;
    const uint64_t words[] = { 1000, ~UINT64_C(1000) };
    struct vg_kv *kv = open_kv(f);
    put(f, kv, P(VG_STR("a")), VG_STR("1"), VG_STR("one"));
    vg_kv_close(kv);
    assert_ok(vg_file_write(below(f, "synced"), vg_str_n(words, sizeof(words)), 0600, &f->err));
    kv = look(f);
    assert_int_equal(vg_kv_check_end(kv, &f->err), VG_FAIL);
    assert_non_null(strstr(f->err.msg, "1000 had been made durable"));
    assert_int_equal(walk(f, kv, VG_STR_NONE).n, 1);
    vg_kv_close(kv);
}

/* --- content files ------------------------------------------------------------------------------
 */

static void
on_id(void *arg, struct vg_str id)
{
    struct vg_buf *b = arg;
    vg_buf_addf(b, "%" VG_FMT " ", VG_ARG(id));
}

static bool
is_listed(struct fix *f, const struct vg_buf *list, struct vg_str id)
{
    return vg_str_find(vg_buf_str(list), vg_str_cat(f->arena, id, VG_STR(" "))) != VG_NPOS;
}

static void
content_files_and_pending_records_are_listed(void **state)
{
    struct fix *f = *state;
    struct vg_random *random = vg_random_new(1, NULL);
    struct vg_kv *kv = open_kv(f);
    struct vg_blobs *blobs = NULL;
    struct vg_str kept, pending;
    struct vg_sess s;
    struct vg_tx *tx;
    vg_sess_init(&s, kv, f->arena);
    assert_ok(vg_blobs_open(f->dir, kv, random, &blobs, &f->err));
    assert_ok(vg_blob_store(blobs, &s, VG_STR("kept"), &kept, &f->err));
    assert_ok(vg_kv_begin(&s, NULL, 0, &tx, &f->err));
    vg_blob_keep(tx, kept);
    assert_ok(vg_tx_commit(&tx, &f->err));
    assert_ok(vg_blob_store(blobs, &s, VG_STR("never kept"), &pending, &f->err));
    struct vg_str under_way = below(f, "blobs/tmp/left");
    assert_ok(vg_file_write(under_way, VG_STR("x"), 0600, &f->err));
    assert_ok(vg_file_write(below(f, "blobs/strange"), VG_STR("x"), 0600, &f->err));
    vg_blobs_close(blobs);
    vg_kv_close(kv);

    struct vg_buf files, records;
    vg_buf_init(&files, f->arena, 4096);
    vg_buf_init(&records, f->arena, 4096);
    kv = look(f);
    vg_blobs_open_readonly(f->dir, kv, &blobs);
    assert_ok(vg_blobs_each_file(blobs, on_id, &files, &f->err));
    assert_ok(vg_blobs_each_pending(blobs, on_id, &records, &f->err));
    assert_true(is_listed(f, &files, kept) && is_listed(f, &files, pending));
    assert_true(is_listed(f, &files, VG_STR("strange")));
    assert_int_equal(files.len, kept.len + pending.len + strlen("strange") + 3);
    assert_true(vg_str_eq(vg_buf_str(&records), vg_str_cat(f->arena, pending, VG_STR(" "))));
    assert_true(vg_file_exists(under_way)); /* nothing was swept */
    vg_blobs_close(blobs);
    vg_kv_close(kv);
    vg_random_free(random);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(walks_meet_every_row_of_every_partition),
        ON(a_prefix_is_of_whole_parts),
        ON(walks_go_over_many_pages),
        ON(looking_changes_nothing_and_meets_what_only_the_log_has),
        ON(folders_that_are_not_there_or_not_ours_are_left_alone),
        ON(who_looks_shares_the_lock_with_nobody_who_writes),
        ON(a_damaged_block_is_a_gap_and_what_is_behind_it_is_met),
        ON(a_first_block_that_is_damaged_is_a_gap_too),
        ON(a_store_that_ends_too_early_can_be_looked_at_and_says_so),
        ON(content_files_and_pending_records_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
