/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_KEYCOND_H
#define DYNAMODB_KEYCOND_H

/* Key conditions and the rules of filters and projections against a key schema. Pure. */

#include "services/dynamodb/dynamodb_item.h"

struct dynamodb_key_query {
    struct vg_str hash; /* value in stored form */
    struct dynamodb_bounds range;
    const struct dynamodb_node *range_cond; /* NULL: none */
};

/* AWS's message for what is wrong with the expression; absent: *ret is set. */
struct vg_str dynamodb_key_condition(struct vg_arena *arena, const struct dynamodb_key_def *key,
                                     const struct dynamodb_node *cond,
                                     struct dynamodb_key_query *ret);
/* A Query's filter may not name key attributes, and of an index only what it holds. `what` it is:
 * "Filter Expression" or "QueryFilter". */
struct vg_str dynamodb_filter_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                                       const struct dynamodb_index *ix, const char *what,
                                       const struct dynamodb_node *filter);
bool dynamodb_index_projects(const struct dynamodb_table *t, const struct dynamodb_index *ix,
                             struct vg_str name);

#endif
