/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_CHECK_H
#define VG_CORE_CHECK_H

/*
 * A check of a data folder: what is kept is held to what is recorded of it (`virga fsck`).
 *
 * Store and content files are open for reading only, no service has been opened (its caches are not
 * there: rq->svc is NULL) and no loop runs: all of it happens on one plain thread.  A service's
 * check() reads what it keeps by its own functions and says here what it finds.
 */

#include "core/service.h"
#include "store/walk.h"

enum vg_finding {
    VG_FINDING_ERROR,  /* something kept is damaged or missing */
    VG_FINDING_ORPHAN, /* something is there that nothing refers to */
};

/* `line` is one line of text without control characters; it lives until the return. */
typedef void(vg_finding_fn)(void *arg, enum vg_finding kind, struct vg_str line);

struct vg_check_count {
    const char *what;
    uint64_t n;
};
#define VG_CHECK_COUNTS_MAX 16

/* Hashes of ids: 8 bytes a content file. Two files that share one would hide an orphan. */
struct vg_check_ids {
    uint64_t *items;
    size_t len, cap;
};

struct vg_check {
    const struct vg_env *env;
    vg_finding_fn *found;
    void (*progress)(void *arg, const struct vg_check *ck); /* now and then; may be NULL */
    void *arg;

    uint64_t n_errors, n_orphans, n_pending;
    uint64_t n_rows;  /* of the store */
    uint64_t n_bytes; /* of contents */
    struct vg_check_count counts[VG_CHECK_COUNTS_MAX];
    size_t n_counts;
    bool is_blind; /* a record could not be read: what it refers to is not known */

    const struct vg_service *service; /* that is checked now; NULL: the store itself */
    struct vg_check_ids referred, pending;
    bool has_gaps;
};

void vg_check_init(struct vg_check *ck, const struct vg_env *env, vg_finding_fn *found, void *arg);
void vg_check_fini(struct vg_check *ck);

/* In this order; each may be left out but vg_check_files(), which needs what went before. */
void vg_check_store(struct vg_check *ck); /* every block of the store */
void vg_check_service(struct vg_check *ck, const struct vg_service *service) VG_WAITS;
void vg_check_files(struct vg_check *ck); /* content files against those that were referred to */

/* --- for services -------------------------------------------------------------------------------
 */

/* "SERVICE WHERE: text"; `where` may be absent, and may hold anything. */
void vg_check_error(struct vg_check *ck, struct vg_str where, const char *fmt, ...) VG_PRINTF(3, 4);
/* The same of a record that could not be read, so that orphans cannot be told any more. */
void vg_check_lost(struct vg_check *ck, struct vg_str where, const char *fmt, ...) VG_PRINTF(3, 4);
/* That, when `rc` says that a record did not decode (rq->err tells why). */
bool vg_check_decoded(struct vg_check *ck, const struct vg_req *rq, struct vg_str where, vg_rc rc);
/* A record refers to that content file: once for each time it was kept. */
void vg_check_refer(struct vg_check *ck, struct vg_str id);
/* `what` is the plural of what was counted, and lives as long as the program. */
void vg_check_count(struct vg_check *ck, const char *what, uint64_t n);
/* Bytes of contents that were read. */
void vg_check_read(struct vg_check *ck, uint64_t bytes);

/*
 * Every row of the partitions below `prefix`, each with a request of its own (of nobody's, in the
 * root key's account), whose arena ends with it.  Rows that cannot be read are errors already.
 */
typedef void(vg_check_row_fn)(struct vg_req *rq, const struct vg_walk_row *row, void *arg);
void vg_check_rows(struct vg_check *ck, struct vg_str prefix, vg_check_row_fn *fn, void *arg);

#endif
