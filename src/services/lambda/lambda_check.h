/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAMBDA_CHECK_H
#define LAMBDA_CHECK_H

/* What is kept, held to what is recorded of it: core/check.h. */

#include "core/check.h"
#include "services/lambda/lambda_int.h"

/* This is struct vg_service.check. */
void lambda_check(struct vg_check *ck) VG_WAITS;

/* --- lambda_store.c: what a row is --------------------------------------------------------------
 */

enum lambda_row_kind {
    LAMBDA_ROW_OTHER = 1, /* holds nothing that could be told by itself */
    LAMBDA_ROW_BAD,       /* no key of ours */
    LAMBDA_ROW_FUNCTION,  /* record.function: $LATEST, or a version */
    LAMBDA_ROW_EVENT,     /* record.event */
    LAMBDA_ROW_TRIES,     /* record.tries */
};

struct lambda_row {
    enum lambda_row_kind kind;
    struct vg_str account, region, name;
    struct vg_str version; /* of FUNCTION */
    int64_t number;        /* of its version; INT64_MAX: $LATEST */
    struct vg_str value;
};
void lambda_row_read(struct vg_arena *arena, const struct vg_walk_row *row, struct lambda_row *ret);
/* Of the rows of everything. */
struct vg_str lambda_check_prefix(struct vg_arena *arena);
/* The last version with a number below `number`; ret->name is absent: there is none. */
vg_rc lambda_store_version_before(struct vg_req *rq, struct vg_str name, int64_t number,
                                  struct lambda_rec_function *ret) VG_MUST_USE;

#endif
