/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAMBDA_INT_H
#define LAMBDA_INT_H

/* Private to services/lambda. */

#include "core/call.h"
#include "core/fail.h"
#include "services/lambda/errors.h"
#include "services/lambda/model.h"
#include "services/lambda/ops.h"
#include "services/lambda/records.h"

#include <pthread.h>

#define LAMBDA_LATEST VG_STR("$LATEST")
#define LAMBDA_PAGE   50u /* functions or versions, at most */

struct vg_blob_writer;
struct vg_outcome;
struct vg_log_batch;
struct vg_waiter;

/* How many invocations of a function run now: the quota is on what runs, not on what is stored. */
struct lambda_running {
    struct lambda_running *next;
    char *arn;
    unsigned n;
};

/* How many invocations run from an unpacked package. */
struct lambda_use {
    struct lambda_use *next;
    char *code_id;
    unsigned n;
    bool is_dropped; /* no record refers to it any more */
};

/* The asynchronous events of one function (lambda_line.c). */
struct lambda_line {
    struct lambda_line *next;
    int64_t next_ms;    /* none of its events is due earlier, but for those at work */
    unsigned n_running; /* of its events */
    struct vg_str key;  /* account, region and name: a tuple */
    char bytes[];
};

/* Those that have events, in the order in which they are served. */
struct lambda_lines {
    struct lambda_line *first;
    unsigned n_running; /* of all */
};

struct lambda_svc {
    const struct vg_env *env;
    struct vg_bounds *bounds; /* where lines begin in the store */
    char *code_dir;           /* unpacked packages, of this process */
    pthread_mutex_t lock;     /* what follows */
    struct lambda_use *uses;
    struct lambda_running *running;
    unsigned n_running;
    struct vg_waiter *queue_waiter; /* the queue's fiber sleeps */
    bool is_queue_dirty;            /* something was added since it looked */
    struct lambda_lines lines;
};

/* --- lambda_name.c: pure ------------------------------------------------------------------------
 */

/* A name, partial or whole ARN, with or without ":qualifier". */
struct lambda_name {
    struct vg_str name;
    struct vg_str qualifier; /* absent: none given */
    struct vg_str account;   /* absent: none given */
    struct vg_str region;
};
bool lambda_name_parse(struct vg_str text, struct lambda_name *ret);
bool lambda_is_version(struct vg_str qualifier); /* a number */

/* --- lambda_fail.c ------------------------------------------------------------------------------
 */

/* Parses in->function_name and the separate qualifier; sets the service's error. */
vg_rc lambda_resolve(struct vg_req *rq, struct vg_str function_name, struct vg_str qualifier,
                     struct lambda_name *ret) VG_MUST_USE;
/* For what is done to a function as a whole: a version or alias is refused. */
vg_rc lambda_resolve_whole(struct vg_req *rq, struct vg_str function_name, struct lambda_name *ret)
    VG_MUST_USE;
struct vg_str lambda_arn(struct vg_req *rq, struct vg_str name, struct vg_str qualifier);
/* The meter's name of a function (core/meter.h). */
struct vg_str lambda_metered_as(struct vg_req *rq, struct vg_str name);

/* --- lambda_store.c: the keys -------------------------------------------------------------------
 */

struct vg_str lambda_store_part(struct vg_arena *arena, struct vg_str account,
                                struct vg_str region);
/* The transaction of all that changes functions of the account in the region. */
vg_rc lambda_store_open(struct vg_req *rq, struct vg_tx **ret) VG_WAITS VG_MUST_USE;
/* Absent: ret->name.ptr is NULL. */
vg_rc lambda_store_get(struct vg_req *rq, struct vg_str name, struct vg_str version,
                       struct lambda_rec_function *ret) VG_MUST_USE;
vg_rc lambda_store_tx_get(struct vg_req *rq, struct vg_tx *tx, struct vg_str name,
                          struct vg_str version, struct lambda_rec_function *ret) VG_MUST_USE;
void lambda_store_put(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn);
void lambda_store_del(struct vg_req *rq, struct vg_tx *tx, struct vg_str name,
                      struct vg_str version);
/* In order of name, after `after` (absent: from the first). */
vg_rc lambda_store_list(struct vg_req *rq, struct vg_str after, uint32_t max,
                        struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
    VG_MUST_USE;
/* All of a function's records: the versions by number, then $LATEST. Who share a package are
 * neighbours. */
vg_rc lambda_store_tx_all(struct vg_req *rq, struct vg_tx *tx, struct vg_str name,
                          struct lambda_rec_function **ret, size_t *ret_n) VG_MUST_USE;
/* The published versions, by number, after `after`. */
vg_rc lambda_store_versions(struct vg_req *rq, struct vg_str name, int64_t after, uint32_t max,
                            struct lambda_rec_function **ret, size_t *ret_n, bool *ret_more)
    VG_MUST_USE;

/* Bytes of the packages that the account stores in the region, those of versions too.  `tx`: as it
 * sees it, before its first write at the latest; NULL: the latest state. */
vg_rc lambda_store_code_bytes(struct vg_req *rq, struct vg_tx *tx, int64_t *ret) VG_MUST_USE;
void lambda_store_code_add(struct vg_req *rq, struct vg_tx *tx, int64_t bytes);

/* The asynchronous queue: a line for each function that has events. */
struct vg_str lambda_store_line(struct vg_arena *arena, struct vg_str account, struct vg_str region,
                                struct vg_str name);
bool lambda_store_line_read(struct vg_arena *arena, struct vg_str line, struct vg_str *ret_account,
                            struct vg_str *ret_region, struct vg_str *ret_name);
/* Up to 500 lines after `after` (absent: from the first); there may be some without an event. */
vg_rc lambda_store_lines(struct vg_req *rq, struct vg_str after, struct vg_str **ret, size_t *ret_n)
    VG_MUST_USE;
/* What is no line may be an event of a time without lines: it goes into its own, *ret_line. */
vg_rc lambda_store_adopt(struct vg_req *rq, struct vg_str key, struct vg_str *ret_line)
    VG_WAITS VG_MUST_USE;
vg_rc lambda_store_enqueue(struct vg_req *rq, const struct lambda_rec_event *ev, int64_t due_ms)
    VG_WAITS VG_MUST_USE;
/* An event's place in its line. */
struct lambda_due {
    struct vg_str line, id;
    int64_t due_ms;
    struct lambda_rec_tries tries;
};
/* The earliest events of a line, those leased too. */
vg_rc lambda_store_due(struct vg_req *rq, struct vg_str line, uint32_t max, struct lambda_due **ret,
                       size_t *ret_n) VG_MUST_USE;
/* Absent: ret->id.ptr is NULL. */
vg_rc lambda_store_event(struct vg_req *rq, const struct lambda_due *due,
                         struct lambda_rec_event *ret) VG_MUST_USE;
/* Moves an event to next->due_ms with its tries, or away for good (NULL). */
vg_rc lambda_store_requeue(struct vg_req *rq, const struct lambda_due *old,
                           const struct lambda_due *next, bool *ret_found) VG_WAITS VG_MUST_USE;

/* --- lambda_line.c: who is next, and when again; pure, svc->lock held ---------------------------
 */

/* Something of the line is due at due_ms. */
void lambda_line_note(struct lambda_lines *lines, struct vg_str key, int64_t due_ms);
/*
 * The next line that may start events due now, which goes to the end of the others; its next_ms is
 * then INT64_MAX until it is noted again.  *ret_max: how many it may start.  NULL: none.
 */
struct lambda_line *lambda_line_next(struct lambda_lines *lines, int64_t now_ms, uint32_t *ret_max);
/* When lambda_line_next() may have one, if none of those at work ends before; INT64_MAX: never. */
int64_t lambda_line_next_ms(const struct lambda_lines *lines);
/* An event of the line begins; returns the number of those at work before. */
unsigned lambda_line_begin(struct lambda_lines *lines, struct vg_str key);
void lambda_line_end(struct lambda_lines *lines, struct vg_str key);
/* Lines without events, and with `all` every one, are forgotten; pointers to them are then void. */
void lambda_line_sweep(struct lambda_lines *lines, bool all);

enum lambda_end { LAMBDA_END_FAILED, LAMBDA_END_REFUSED };
/* How long an event waits after it ended so, which `tries` now counts; negative: no more. */
int64_t lambda_retry_ms(struct lambda_rec_tries *tries, enum lambda_end end);

/* --- lambda_fetch.c -----------------------------------------------------------------------------
 */

/* That there is one source for a package, which we can fetch. */
vg_rc lambda_check_source(struct vg_req *rq, const struct lambda_function_code *code) VG_MUST_USE;
/* Takes the package from there; it may be no zip. Sets code_sha256 and code_bytes of `fn`; *ret may
 * be set on failure too. */
vg_rc lambda_fetch(struct vg_req *rq, const struct lambda_function_code *code,
                   struct lambda_rec_function *fn, struct vg_blob_writer **ret)
    VG_WAITS VG_MUST_USE;

/* --- lambda_zip.c, lambda_code.c ----------------------------------------------------------------
 */

enum lambda_zip_rc {
    LAMBDA_ZIP_OK,
    LAMBDA_ZIP_BAD,   /* not a zip, or one with what it must not have */
    LAMBDA_ZIP_EMPTY, /* no file in it */
    LAMBDA_ZIP_LARGE, /* more than max_bytes unpacked */
    LAMBDA_ZIP_IO,
};
/* Unpacks into the existing empty folder `dir`; blocks, and closes `fd`. `why` says what was wrong.
 */
enum lambda_zip_rc lambda_zip_unpack(int fd, const char *dir, uint64_t max_bytes,
                                     uint64_t *ret_bytes, char *why, size_t n);

/* Makes the cache of unpacked packages; what an earlier process left of its own goes. */
vg_rc lambda_code_open(struct lambda_svc *svc, struct vg_err *err) VG_MUST_USE;
/* Fetches a package, checks it and, unless it is a trial, stores it; fills code_* of `fn`. The
 * transaction that stores the record calls lambda_code_keep(); when it fails, lambda_code_forget().
 */
vg_rc lambda_code_store(struct vg_req *rq, const struct lambda_function_code *code, bool is_trial,
                        struct lambda_rec_function *fn) VG_WAITS VG_MUST_USE;
/* The unpacked folder, which stays until lambda_code_leave(). ENOENT: the package was dropped. */
vg_rc lambda_code_enter(struct vg_req *rq, struct vg_str code_id, struct vg_str *ret_dir)
    VG_WAITS VG_MUST_USE;
void lambda_code_leave(struct vg_req *rq, struct vg_str code_id);
/* In the transaction that stores the first record which refers to the package of `fn`, after those
 * that it drops: fails when the account then stored too much. */
vg_rc lambda_code_keep(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn)
    VG_MUST_USE;
/* In the one that removes the last. */
void lambda_code_drop(struct vg_req *rq, struct vg_tx *tx, const struct lambda_rec_function *fn);
/* In one where the record `fn` goes, or gets another package: if no other has its package. */
vg_rc lambda_code_drop_unless_used(struct vg_req *rq, struct vg_tx *tx,
                                   const struct lambda_rec_function *fn) VG_MUST_USE;
/* Removes the unpacked form once nothing runs from it. */
void lambda_code_forget(struct vg_req *rq, struct vg_str code_id);

/* --- lambda_config.c ----------------------------------------------------------------------------
 */

/* What Create and UpdateConfiguration check and set alike; absent members change nothing. */
vg_rc lambda_config_apply(struct vg_req *rq,
                          const struct lambda_update_function_configuration_request *in,
                          struct lambda_rec_function *fn) VG_WAITS VG_MUST_USE;
vg_rc lambda_check_architectures(struct vg_req *rq, const struct lambda_architectures_list *list,
                                 struct lambda_rec_function *fn) VG_MUST_USE;
void lambda_config_render(struct vg_req *rq, const struct lambda_rec_function *fn,
                          bool is_qualified, struct lambda_function_configuration *out) VG_WAITS;
vg_rc lambda_check_tags(struct vg_req *rq, const struct lambda_tags *tags,
                        struct lambda_rec_function *fn) VG_MUST_USE;
struct vg_str lambda_new_revision(struct vg_req *rq);

/* --- lambda_show.c, lambda_version.c ------------------------------------------------------------
 */

/* The version that is meant, which there must be. */
vg_rc lambda_load(struct vg_req *rq, const struct lambda_name *name,
                  struct lambda_rec_function *ret) VG_MUST_USE;
/* Makes the present $LATEST a numbered version, which *ret becomes; absent description: its own. */
void lambda_publish(struct vg_req *rq, struct vg_tx *tx, struct lambda_rec_function *latest,
                    struct vg_str description, struct lambda_rec_function *ret);
/* Environments of a version as it was serve no more events. */
void lambda_retire(struct vg_req *rq, const struct lambda_rec_function *old);

/* --- errors with AWS's Type ---------------------------------------------------------------------
 */

vg_rc lambda_not_found(struct vg_req *rq, struct vg_str arn);
vg_rc lambda_bad(struct vg_req *rq, const char *fmt, ...) VG_PRINTF(2, 3);
vg_rc lambda_conflict(struct vg_req *rq, const char *fmt, ...) VG_PRINTF(2, 3);
vg_rc lambda_check_revision(struct vg_req *rq, struct vg_str given, struct vg_str have);

/* --- invoking -----------------------------------------------------------------------------------
 */

/* Runs `fn` now; the caller holds no place in the concurrency quota yet. */
struct lambda_call {
    struct vg_str request_id, payload, invoked_arn, client_context;
    bool want_tail;
};
vg_rc lambda_run(struct vg_req *rq, const struct lambda_rec_function *fn,
                 const struct lambda_call *call, struct vg_outcome *ret) VG_WAITS VG_MUST_USE;

void lambda_queue_start(struct lambda_svc *svc);
/* An event of the line is due then. */
void lambda_queue_note(struct lambda_svc *svc, struct vg_str line, int64_t due_ms);

void lambda_on_logs(void *ctx, const struct vg_log_batch *batch) VG_WAITS;

struct vg_str lambda_policy_text(struct vg_req *rq, const struct lambda_rec_function *fn,
                                 struct vg_str qualifier);

#endif
