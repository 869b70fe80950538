/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_ITEM_H
#define DYNAMODB_ITEM_H

/* What the item operations share: keys, expressions of a request, capacity, and writing. */

#include "services/dynamodb/dynamodb_expr.h"
#include "services/dynamodb/dynamodb_int.h"

/* A ValidationException of the text; VG_OK where there is none. */
static inline vg_rc
dynamodb_refuse(struct vg_req *rq, struct vg_str text)
{
    return text.ptr ? vg_fail_validation(rq, "%" VG_FMT, VG_ARG(text)) : VG_OK;
}

/* --- keys (dynamodb_key.c) ----------------------------------------------------------------------
 *
 * Each gives AWS's message, absent when all is well.  Inside a transaction the first two kinds are
 * answered differently, so they are apart.
 */

/* What is wrong with the values, whatever the table is: faults of the wire. */
struct vg_str dynamodb_item_fault(const struct dynamodb_item *item);
/* A Key parameter against the schema: exactly the key attributes, of their types. */
struct vg_str dynamodb_key_mismatch(const struct dynamodb_table *t, struct vg_str key);
/* Empty key values; too long ones; either.  For items whose key attributes have their types. */
struct vg_str dynamodb_key_empty(struct vg_arena *arena, const struct dynamodb_table *t,
                                 struct vg_str item);
struct vg_str dynamodb_key_too_long(const struct dynamodb_table *t, struct vg_str item);
struct vg_str dynamodb_key_fault(struct vg_arena *arena, const struct dynamodb_table *t,
                                 struct vg_str item);
/* An item to be put: key attributes there, of their types. */
struct vg_str dynamodb_put_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                                    struct vg_str item);
/* The same in BatchWriteItem, which has the words of a Key parameter for it. */
struct vg_str dynamodb_batch_put_mismatch(const struct dynamodb_table *t, struct vg_str item);
/* Its index keys: types, empty values, lengths. `is_update`: in UpdateItem's words. */
struct vg_str dynamodb_index_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                                      struct vg_str item, bool is_update);
/* An update may not name a key attribute. */
struct vg_str dynamodb_update_of_key(struct vg_arena *arena, const struct dynamodb_table *t,
                                     const struct dynamodb_update_plan *update);
/* The item's key attributes alone. */
struct vg_str dynamodb_key_of(struct vg_arena *arena, const struct dynamodb_key_def *def,
                              struct vg_str item);
/* What the index holds of the item; absent when the item is not in the index. */
struct vg_str dynamodb_index_entry(struct vg_arena *arena, const struct dynamodb_table *t,
                                   const struct dynamodb_index *ix, struct vg_str item);

/* --- a request's expressions (dynamodb_params.c) ------------------------------------------------
 */

/* Legacy parameters, NULL where they did not come (dynamodb_legacy.c). */
struct dynamodb_legacy {
    const struct dynamodb_expected_attribute_map *expected;
    const struct dynamodb_attribute_updates *updates;
    const struct dynamodb_filter_condition_map *filter; /* QueryFilter, ScanFilter */
    const char *filter_name;                            /* which of them           */
    const struct dynamodb_filter_condition_map *key_conditions;
    const struct dynamodb_attribute_name_list *projection;
    struct vg_enum conditional_operator;
};

/* For a parameter of the request: itself when it came, else NULL. */
#define DYNAMODB_IF_SET(member) ((member).set ? &(member) : NULL)

/* The parameters as they came; absent or NULL where the operation has none. */
struct dynamodb_params {
    struct vg_str update, condition, key_condition, filter, projection;
    const struct dynamodb_expression_attribute_name_map *names;
    const struct dynamodb_item *values;
    /* names of the expression parameters the operation has, for a message: "ConditionExpression" */
    const char *expressions;
    bool has_values; /* the operation has ExpressionAttributeValues */
    struct dynamodb_legacy legacy;
};

/* Of requests, and parts of them, that have members of the same names. */
#define DYNAMODB_PARAMS_OF_READ(in)                                                                \
    ((struct dynamodb_params) {                                                                    \
        .projection = (in)->projection_expression,                                                 \
        .names = &(in)->expression_attribute_names,                                                \
        .legacy = { .projection = DYNAMODB_IF_SET((in)->attributes_to_get) },                      \
    })
#define DYNAMODB_CONDITION_OF(in)                                                                  \
    .condition = (in)->condition_expression, .names = &(in)->expression_attribute_names,           \
    .values = (in)->expression_attribute_values, .expressions = "ConditionExpression is null",     \
    .has_values = true
#define DYNAMODB_PARAMS_OF_CONDITION(in) ((struct dynamodb_params) { DYNAMODB_CONDITION_OF(in) })
#define DYNAMODB_PARAMS_OF_WRITE(in)                                                               \
    ((struct dynamodb_params) {                                                                    \
        DYNAMODB_CONDITION_OF(in),                                                                 \
        .legacy = { .expected = DYNAMODB_IF_SET((in)->expected),                                   \
                    .conditional_operator = (in)->conditional_operator },                          \
    })
struct dynamodb_params dynamodb_params_of_update(const struct dynamodb_update_item_input *in);
struct dynamodb_params dynamodb_params_of_query(struct vg_arena *arena,
                                                const struct dynamodb_query_input *in);
struct dynamodb_params dynamodb_params_of_scan(const struct dynamodb_scan_input *in);

/* Parsed; NULL or n == 0 where the parameter was absent. */
struct dynamodb_parsed {
    struct dynamodb_exprs x;
    const struct dynamodb_node *condition, *key_condition, *filter;
    struct dynamodb_update_plan update;
    struct dynamodb_projection_paths projection;
    bool is_legacy; /* the update is of AttributeUpdates */
};

/* Nothing reaches into a key attribute of the table or an index; AWS's message, else absent. */
struct vg_str dynamodb_scalar_mismatch(struct vg_arena *arena, const struct dynamodb_table *t,
                                       const struct dynamodb_parsed *exprs);
/* ValidationException when placeholders come without an expression. */
vg_rc dynamodb_params_check(struct vg_req *rq, const struct dynamodb_params *in) VG_MUST_USE;
/* Placeholders and expressions; false: ret->x.error. */
bool dynamodb_params_parse(struct vg_arena *arena, const struct dynamodb_params *in,
                           struct dynamodb_parsed *ret);
/* The same, or the ValidationException. */
vg_rc dynamodb_params_read(struct vg_req *rq, const struct dynamodb_params *in,
                           struct dynamodb_parsed *ret) VG_MUST_USE;
/* Not both kinds of parameters; the ConditionalOperator has something to join. */
vg_rc dynamodb_legacy_check(struct vg_req *rq, const struct dynamodb_params *in) VG_MUST_USE;
bool dynamodb_legacy_parse(struct vg_arena *arena, const struct dynamodb_legacy *in,
                           struct dynamodb_parsed *ret);

/* --- capacity (dynamodb_capacity.c) -------------------------------------------------------------
 */

struct dynamodb_units {
    const struct dynamodb_table *t;
    struct vg_str name; /* as the caller named the table */
    double table;
    double *index; /* one for each of t->indexes */
};

void dynamodb_units_init(struct vg_arena *arena, const struct dynamodb_table *t, struct vg_str name,
                         struct dynamodb_units *ret);
double dynamodb_read_units(size_t bytes, bool is_consistent); /* at least one item's */
double dynamodb_write_units(size_t bytes);
/* NULL unless it was asked for. `kind`: 'r' or 'w' fills that member too (transactions), 0 none. */
struct dynamodb_consumed_capacity *dynamodb_consumed(struct vg_arena *arena,
                                                     const struct dynamodb_units *u,
                                                     struct vg_enum asked, char kind);

/* --- writing (dynamodb_write.c) -----------------------------------------------------------------
 */

enum dynamodb_write_kind {
    DYNAMODB_WRITE_PUT,
    DYNAMODB_WRITE_DELETE,
    DYNAMODB_WRITE_UPDATE,
    DYNAMODB_WRITE_CHECK,
};

enum dynamodb_outcome {
    DYNAMODB_DONE,
    DYNAMODB_CONDITION_FAILED,
    DYNAMODB_INVALID,   /* `message` is a ValidationException's            */
    DYNAMODB_TOO_LARGE, /* the item collection: `message`                 */
};

struct dynamodb_write {
    enum dynamodb_write_kind kind;
    const struct dynamodb_table *t;
    struct vg_str item; /* PUT: the item; else its key */
    struct dynamodb_parsed *exprs;
    struct dynamodb_units *units; /* added to */
    bool is_transactional;        /* costs twice */
    struct vg_str refusal;        /* what is wrong with it whatever is stored: INVALID; or absent */

    struct dynamodb_place place;
    struct vg_str old, after; /* absent: no item */
    int64_t collection_delta;
    enum dynamodb_outcome outcome;
    struct vg_str message;
};

/*
 * Runs all of them in one transaction.  Nothing is written unless every outcome is DONE.
 * *ret_stale: a table was changed meanwhile; look the tables up and begin anew.  `token` may be
 * NULL; one that was found not to be new ends the matter, and nothing is written.
 */
vg_rc dynamodb_write_all(struct vg_req *rq, struct dynamodb_write *writes, size_t n,
                         struct dynamodb_token *token, bool *ret_stale) VG_WAITS VG_MUST_USE;
/* An index that is being filled gets what it is to have of the item, unless it is there. */
vg_rc dynamodb_fill_entry(struct vg_req *rq, struct vg_tx *tx, const struct dynamodb_table *t,
                          const struct dynamodb_index *ix, struct vg_str item) VG_MUST_USE;
/* ItemCollectionMetrics of the item's collection; NULL unless asked for and there is an LSI. */
vg_rc dynamodb_collection_metrics(struct vg_req *rq, const struct dynamodb_write *w,
                                  struct vg_enum asked,
                                  struct dynamodb_item_collection_metrics **ret) VG_MUST_USE;
/* Its failure as a single operation answers it. */
vg_rc dynamodb_write_fail(struct vg_req *rq, const struct dynamodb_write *w,
                          struct vg_enum return_values) VG_MUST_USE;

/* --- several at once (dynamodb_batch.c, dynamodb_transact.c) -----------------------------------
 */

/* Units of one table among several. */
struct dynamodb_units *dynamodb_units_of(struct vg_arena *arena, struct dynamodb_units *all,
                                         size_t *n, const struct dynamodb_table *t,
                                         struct vg_str name);
struct dynamodb_consumed_capacity_multiple dynamodb_consumed_all(struct vg_arena *arena,
                                                                 const struct dynamodb_units *all,
                                                                 size_t n, struct vg_enum asked,
                                                                 char kind);
/* Metrics of all written collections, by table. */
vg_rc dynamodb_metrics_all(struct vg_req *rq, const struct dynamodb_write *writes, size_t n,
                           struct vg_enum asked,
                           struct dynamodb_item_collection_metrics_per_table *ret) VG_MUST_USE;
/* Whether two of the places are one item. */
bool dynamodb_has_duplicates(const struct dynamodb_place *places, size_t n);

static inline struct dynamodb_item *
dynamodb_item_out(struct vg_arena *arena, struct vg_str item)
{
    struct dynamodb_item *out = VG_NEW(arena, struct dynamodb_item);
    out->v = item.ptr ? item : VG_STR("");
    return out;
}

#endif
