/* SPDX-License-Identifier: Apache-2.0 */

/* `virga fsck`: what a data folder keeps, held to what is recorded of it, while no daemon runs. */

#include "apps/virga/options.h"
#include "apps/virga/services.h"
#include "apps/virga/verbs.h"
#include "base/arena.h"
#include "core/check.h"
#include "core/env.h"
#include "core/registry.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "store/blob.h"
#include "store/folder.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_EVERY_MS 250

enum { FSCK_CLEAN = 0, FSCK_ERRORS = 1, FSCK_NOT_RUN = 2 };

static const char fsck_help[] =
    "usage: virga fsck [--data DIR]\n"
    "\n"
    "Checks a data folder while no daemon has it, and changes nothing in it: reads every block of\n"
    "the store; decrypts every object of S3 and every part of an upload that is under way and\n"
    "compares length, ETag and checksums with what is recorded; compares the packages of Lambda;\n"
    "looks for content files that no record refers to (orphans: a warning). Of objects that only "
    "a\n"
    "customer's key opens, or a deleted key of KMS, the lengths are compared.\n"
    "\n"
    "  --data DIR   the data folder ($XDG_DATA_HOME/virga or ~/.local/share/virga)\n"
    "  --help       this text\n"
    "\n"
    "One line for each error and orphan, then what was counted. Exit status: 0 when there is no\n"
    "error, 1 when there are some, 2 when the folder could not be checked.\n";

struct fsck {
    struct vg_arena *arena;
    struct vg_str dir; /* as it was given; absent: the default */
    bool is_help;
    struct vg_config config;
    struct vg_env env;
    struct vg_err err;
    struct vg_check ck;
    bool is_tty;
    int64_t shown_ms; /* progress */
};

static vg_rc
parse(struct fsck *f, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct vg_str value = vg_str_of(argv[i]);
        struct vg_str name = vg_str_cut(&value, '=');
        if (vg_str_eq(name, VG_STR("--help")) && value.ptr == NULL) {
            f->is_help = true;
            continue;
        }
        if (!vg_str_eq(name, VG_STR("--data")))
            return vg_err_set(&f->err, "there is no option '%" VG_FMT "'", VG_ARG(name));
        if (value.ptr == NULL && i + 1 == argc)
            return vg_err_set(&f->err, "--data needs DIR");
        f->dir = value.ptr ? value : vg_str_of(argv[++i]);
    }
    return VG_OK;
}

/* --- what is said -------------------------------------------------------------------------------
 */

static void
wipe_progress(const struct fsck *f)
{
    if (f->is_tty && f->shown_ms)
        fputs("\r\033[K", stderr);
}

static void
on_found(void *arg, enum vg_finding kind, struct vg_str line)
{
    wipe_progress(arg);
    printf("%s%" VG_FMT "\n", kind == VG_FINDING_ORPHAN ? "orphan: " : "", VG_ARG(line));
    fflush(stdout);
}

static void
on_progress(void *arg, const struct vg_check *ck)
{
    struct fsck *f = arg;
    int64_t now_ms = vg_mono_ms();
    if (now_ms - f->shown_ms < PROGRESS_EVERY_MS)
        return;
    f->shown_ms = now_ms;
    fprintf(stderr, "\r%llu rows, %llu MB of contents\033[K", (unsigned long long)ck->n_rows,
            (unsigned long long)(ck->n_bytes >> 20));
}

static void
summary(const struct fsck *f)
{
    const struct vg_check *ck = &f->ck;
    wipe_progress(f);
    printf("rows: %llu\n", (unsigned long long)ck->n_rows);
    for (size_t i = 0; i < ck->n_counts; i++)
        printf("%s: %llu\n", ck->counts[i].what, (unsigned long long)ck->counts[i].n);
    printf("bytes of contents: %llu\n", (unsigned long long)ck->n_bytes);
    printf("files that the next start removes: %llu\n", (unsigned long long)ck->n_pending);
    if (ck->is_blind)
        puts("orphans: not known, as there are records that could not be read");
    else
        printf("orphans: %llu\n", (unsigned long long)ck->n_orphans);
    printf("errors: %llu\n", (unsigned long long)ck->n_errors);
}

/* --- the check ----------------------------------------------------------------------------------
 */

static void
check(struct fsck *f) VG_WAITS
{
    struct vg_registry *registry = vg_registry_new(virga_services, n_virga_services);
    f->env.registry = registry; /* whose services stay closed */
    f->env.random = vg_random_new(1, NULL);
    vg_blobs_open_readonly(f->config.data_dir, f->env.kv, &f->env.blobs);
    vg_check_store(&f->ck);
    for (size_t i = 0; i < n_virga_services; i++)
        vg_check_service(&f->ck, virga_services[i]);
    vg_check_files(&f->ck);
    vg_blobs_close(f->env.blobs);
    vg_random_free(f->env.random);
    vg_registry_free(registry);
}

/* What keeps the folder from being looked at is no error of it; a store that does not open is. */
static int
run(struct fsck *f) VG_WAITS
{
    struct vg_folder *folder;
    vg_rc rc = data_dir_choose(f->arena, f->dir, &f->config.data_dir, &f->err);
    if (rc == VG_OK)
        rc = vg_folder_look(f->config.data_dir, &folder, &f->err);
    if (rc != VG_OK)
        return FSCK_NOT_RUN;
    vg_check_init(&f->ck, &f->env, on_found, f);
    f->ck.progress = f->is_tty ? on_progress : NULL;
    if (vg_kv_open_readonly(folder, &f->env.kv, &f->err) == VG_OK) {
        check(f);
        vg_kv_close(f->env.kv);
        summary(f);
    } else {
        vg_check_error(&f->ck, VG_STR_NONE, "%" VG_FMT, VG_ARG(vg_err_text(&f->err)));
        puts("nothing else was checked\nerrors: 1");
    }
    vg_check_fini(&f->ck);
    if (fflush(stdout) != 0) {
        vg_err_set(&f->err, "what was found could not be written");
        return FSCK_NOT_RUN;
    }
    return f->ck.n_errors ? FSCK_ERRORS : FSCK_CLEAN;
}

int
verb_fsck(int argc, char **argv)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct fsck f = { .arena = arena, .is_tty = isatty(STDERR_FILENO) };
    f.config = (struct vg_config) { .region = VG_STR("us-east-1"),
                                    .account = VG_STR("000000000000"),
                                    .partition = VG_STR("aws") };
    f.env.config = &f.config;
    int status = FSCK_NOT_RUN;
    vg_log_setup(VG_LOG_ERROR, false, vg_wall_ms);
    vg_rc rc = parse(&f, argc, argv);
    if (rc == VG_OK && f.is_help) {
        fputs(fsck_help, stdout);
        return FSCK_CLEAN;
    }
    if (rc == VG_OK)
        status = run(&f);
    if (status == FSCK_NOT_RUN)
        fprintf(stderr, "virga fsck: %" VG_FMT "\n", VG_ARG(vg_err_text(&f.err)));
    return status;
}
