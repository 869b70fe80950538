/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_WALK_H
#define DYNAMODB_WALK_H

/* One page of a Query or Scan: rows in order, until the limit, 1 MB, or the end. */

#include "services/dynamodb/dynamodb_keycond.h"

struct dynamodb_walk {
    const struct dynamodb_table *t;
    const struct dynamodb_index *ix; /* NULL: the table itself */
    const struct dynamodb_node *filter;
    struct dynamodb_projection_paths projection;
    uint64_t limit; /* 0: none */
    bool is_reverse, is_consistent;
    bool is_count; /* no items wanted */
    bool is_whole; /* of a local index: fetch the item from the table */

    VG_VEC(struct dynamodb_item) items;
    uint64_t n_scanned, n_found;
    size_t bytes;       /* of what was evaluated */
    double fetch_units; /* of whole items fetched */
    bool is_full;       /* the page ended before the range */
    struct vg_str last; /* the last item evaluated */
};

/* Goes through a range of a partition; stops when the page is full. */
vg_rc dynamodb_walk_range(struct vg_req *rq, struct dynamodb_walk *w, struct vg_str part,
                          struct vg_range range) VG_MUST_USE;
/* Where the walk goes on, once it is full. */
struct dynamodb_item *dynamodb_walk_last_key(struct vg_req *rq, const struct dynamodb_walk *w);

/* The parameters that Query and Scan share. */
struct dynamodb_walk_input {
    bool is_query;
    struct vg_str table_name, index_name;
    struct vg_enum select, return_capacity;
    struct vg_opt_i64 limit;
    struct vg_opt_bool is_consistent;
    const struct dynamodb_item *start_key;
    struct dynamodb_params params;
};

/* Checks all of them, in AWS's order, and sets the walk up. `exprs` is the caller's. */
vg_rc dynamodb_walk_init(struct vg_req *rq, const struct dynamodb_walk_input *in,
                         struct dynamodb_parsed *exprs, struct dynamodb_walk *w) VG_MUST_USE;
/* ExclusiveStartKey against the schema: then *ret is where it lies. */
vg_rc dynamodb_walk_start(struct vg_req *rq, const struct dynamodb_walk *w,
                          const struct dynamodb_item *key, struct dynamodb_place *ret) VG_MUST_USE;
struct dynamodb_consumed_capacity *dynamodb_walk_consumed(struct vg_req *rq,
                                                          const struct dynamodb_walk_input *in,
                                                          const struct dynamodb_walk *w);

#endif
