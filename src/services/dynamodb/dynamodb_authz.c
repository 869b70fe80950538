/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What must be allowed, and what of the request policies may test.
 *
 * Several actions on several tables: AWS, "Actions, resources, and condition keys for Amazon
 * DynamoDB": a transaction needs the permission of each of its actions.  Condition keys: "Using IAM
 * policy conditions for fine-grained access control".  dynamodb:FullTableScan is PartiQL's alone.
 *
 * A request is read here as its handler reads it, by the same functions: where it cannot be read, a
 * key is missing here and the handler refuses the request.  That is done only once a policy tests
 * a key: see struct vg_authz.
 */

#include "codec/base64.h"
#include "core/authz.h"
#include "services/dynamodb/dynamodb_keycond.h"

#define NUMBER_TEXT_MAX 256

typedef VG_VEC(struct vg_ctx) ctx_vec;

/* One action on one table or index, with what of it policies may test. */
struct ask {
    struct vg_str action, arn;
    ctx_vec ctx;
};

struct asks {
    struct vg_req *rq;
    bool is_root; /* no policy binds it */
    bool is_bare; /* nothing is gathered: no policy has tested a key yet, if ever one will */
    VG_VEC(struct ask) items;
    struct vg_str enclosing; /* the transaction's name; absent: none */
    struct vg_enum capacity; /* ReturnConsumedCapacity */
};

static struct vg_str
table_arn(struct vg_req *rq, struct vg_str name, struct vg_str index)
{
    struct vg_str arn = name;
    if (!vg_str_starts(name, VG_STR("arn:")))
        arn =
            vg_str_fmt(rq->arena, "arn:%" VG_FMT ":dynamodb:%" VG_FMT ":%" VG_FMT ":table/%" VG_FMT,
                       VG_ARG(rq->scope->partition), VG_ARG(rq->scope->region),
                       VG_ARG(rq->scope->owner), VG_ARG(name));
    if (index.ptr)
        arn = vg_str_fmt(rq->arena, "%" VG_FMT "/index/%" VG_FMT, VG_ARG(arn), VG_ARG(index));
    return arn;
}

static void
add(struct asks *all, struct ask *to, struct vg_str key, struct vg_str value)
{
    if (value.ptr && !all->is_bare)
        *VG_VEC_ADD(all->rq->arena, &to->ctx) = (struct vg_ctx) { .key = key, .value = value };
}

/* "… always has a value (NONE unless otherwise specified)" */
static struct vg_str
or_none(struct vg_enum e)
{
    return e.text.len > 0 ? e.text : VG_STR("NONE");
}

static struct asks
asks_of(struct vg_req *rq, const struct vg_authz *az, struct vg_enum capacity,
        struct vg_str enclosing)
{
    return (struct asks) { .rq = rq,
                           .is_root = rq->scope->caller->kind == VG_PRINCIPAL_ROOT,
                           .is_bare = !az->has_ctx,
                           .capacity = capacity,
                           .enclosing = enclosing };
}

/* Each for itself: of two items the values of a key may not stand in for one another. */
static struct ask *
need(struct asks *all, const char *action, struct vg_str table, struct vg_str index)
{
    struct vg_str arn = table_arn(all->rq, table, index);
    for (size_t i = 0; all->is_root && i < all->items.len; i++) {
        struct ask *same = &all->items.items[i];
        if (vg_str_eq(same->action, vg_str_of(action)) && vg_str_eq(same->arn, arn))
            return same;
    }
    struct ask *a = VG_VEC_ADD(all->rq->arena, &all->items);
    *a = (struct ask) { .action = vg_str_of(action), .arn = arn };
    add(all, a, VG_STR("dynamodb:ReturnConsumedCapacity"), or_none(all->capacity));
    add(all, a, VG_STR("dynamodb:EnclosingOperation"), all->enclosing);
    return a;
}

static vg_rc
done(const struct asks *all, struct vg_authz *az)
{
    az->late_prefix = VG_STR("dynamodb:");
    for (size_t i = 0; i < all->items.len; i++) {
        const struct ask *a = &all->items.items[i];
        vg_authz_add(az, a->action, a->arn, a->ctx.items, a->ctx.len);
    }
    return VG_OK;
}

/* --- dynamodb:Attributes ------------------------------------------------------------------------
 */

/* Of a nested path the attribute of the item. */
static void
add_path(struct asks *all, struct ask *to, const struct dynamodb_path *path)
{
    if (path->n > 0)
        add(all, to, VG_STR("dynamodb:Attributes"), path->steps[0].name);
}

/* As deep as the parser lets an expression be. */
static void
add_node(struct asks *all, struct ask *to, const struct dynamodb_node *node)
{
    if (!node)
        return;
    add_path(all, to, &node->path);
    for (size_t i = 0; i < node->n; i++)
        add_node(all, to, node->args[i]);
}

static void
add_parsed(struct asks *all, struct ask *to, const struct dynamodb_parsed *p)
{
    add_node(all, to, p->condition);
    add_node(all, to, p->key_condition);
    add_node(all, to, p->filter);
    for (size_t i = 0; i < p->projection.n; i++)
        add_path(all, to, &p->projection.paths[i]);
    for (size_t i = 0; i < p->update.n; i++) {
        add_path(all, to, &p->update.actions[i].path);
        add_node(all, to, p->update.actions[i].value);
    }
}

static void
add_expressions(struct asks *all, struct ask *to, const struct dynamodb_params *in,
                struct dynamodb_parsed *ret)
{
    *ret = (struct dynamodb_parsed) { .condition = NULL };
    if (!all->is_bare && dynamodb_params_parse(all->rq->arena, in, ret))
        add_parsed(all, to, ret);
}

/* --- dynamodb:LeadingKeys -----------------------------------------------------------------------
 */

/* Policies compare text: numbers as they are answered, binary in base64. */
static struct vg_str
key_text(struct vg_arena *arena, struct vg_str v)
{
    struct dynamodb_number number;
    struct vg_buf b;
    if (!v.ptr)
        return VG_STR_NONE;
    switch (dynamodb_value_type(v)) {
    case DYNAMODB_S:
        return dynamodb_value_body(v);
    case DYNAMODB_B:
        return vg_base64_encode(arena, dynamodb_value_body(v));
    case DYNAMODB_N:
        if (!dynamodb_number_unpack(dynamodb_value_body(v), &number))
            return VG_STR_NONE;
        vg_buf_init(&b, arena, NUMBER_TEXT_MAX);
        dynamodb_number_print(&number, &b);
        return vg_buf_str(&b);
    default:
        return VG_STR_NONE; /* no key: the handler refuses it */
    }
}

/* NULL: there is no such table, which the handler says once the caller may ask. */
static vg_rc
find_table(struct asks *all, struct vg_str name, const struct dynamodb_table **ret)
{
    struct vg_err why = { 0 };
    struct vg_req quiet = *all->rq;
    quiet.err = &why;
    *ret = NULL;
    vg_rc rc = dynamodb_table_get(&quiet, name, ret);
    if (rc != VG_FAIL || (why.def && why.def->is_sender_fault))
        return rc == VG_FAIL ? VG_OK : rc;
    *all->rq->err = why;
    return rc;
}

/* An item or a key: its attributes and its partition key. */
static vg_rc
add_item(struct asks *all, struct ask *to, struct vg_str table, const struct dynamodb_item *item)
{
    const struct dynamodb_table *t;
    struct vg_str rest = item->v;
    struct dynamodb_attr attr;
    if (all->is_bare || item->fault.ptr) /* the handler refuses what is no item */
        return VG_OK;
    vg_rc rc = find_table(all, table, &t);
    if (rc != VG_OK)
        return rc;
    while (dynamodb_next_attr(&rest, &attr))
        add(all, to, VG_STR("dynamodb:Attributes"), attr.name);
    if (t)
        add(all, to, VG_STR("dynamodb:LeadingKeys"),
            key_text(all->rq->arena, dynamodb_item_get(item->v, t->key.hash)));
    return VG_OK;
}

static vg_rc
add_query_key(struct asks *all, struct ask *to, const struct dynamodb_query_input *in,
              const struct dynamodb_parsed *p)
{
    const struct dynamodb_table *t;
    struct dynamodb_key_query query;
    if (all->is_bare)
        return VG_OK;
    vg_rc rc = find_table(all, in->table_name, &t);
    const struct dynamodb_index *ix =
        t && in->index_name.ptr ? dynamodb_table_index(t, in->index_name) : NULL;
    if (rc != VG_OK || !t || (in->index_name.ptr && !ix) || !p->key_condition)
        return rc;
    const struct dynamodb_key_def *key = ix ? &ix->key : &t->key;
    if (!dynamodb_key_condition(all->rq->arena, key, p->key_condition, &query).ptr)
        add(all, to, VG_STR("dynamodb:LeadingKeys"), key_text(all->rq->arena, query.hash));
    return VG_OK;
}

/* --- what reads and writes return ---------------------------------------------------------------
 */

/* Select, which "always has a value"; GetItem has it too, though no such parameter. */
static void
add_select(struct asks *all, struct ask *to, struct vg_enum given, struct vg_str index,
           const struct dynamodb_params *p)
{
    struct vg_str select = given.text;
    if (select.len == 0 && (p->projection.ptr || p->legacy.projection))
        select = VG_STR("SPECIFIC_ATTRIBUTES");
    else if (select.len == 0)
        select = index.ptr ? VG_STR("ALL_PROJECTED_ATTRIBUTES") : VG_STR("ALL_ATTRIBUTES");
    add(all, to, VG_STR("dynamodb:Select"), select);
}

/* What a failed condition would return counts where nothing else is returned. */
static void
add_returns(struct asks *all, struct ask *to, struct vg_enum returns, struct vg_enum on_failure)
{
    struct vg_str text = or_none(returns);
    add(all, to, VG_STR("dynamodb:ReturnValues"),
        vg_str_eq(text, VG_STR("NONE")) ? or_none(on_failure) : text);
}

/* --- single items -------------------------------------------------------------------------------
 */

vg_rc
dynamodb_authz_get_item(struct vg_req *rq, const struct dynamodb_get_item_input *in,
                        struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR_NONE);
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_READ(in);
    struct dynamodb_parsed p;
    struct ask *to = need(&all, "dynamodb:GetItem", in->table_name, VG_STR_NONE);
    add_expressions(&all, to, &params, &p);
    add_select(&all, to, (struct vg_enum) { 0 }, VG_STR_NONE, &params);
    vg_rc rc = add_item(&all, to, in->table_name, in->key);
    return rc == VG_OK ? done(&all, az) : rc;
}

struct single_write {
    const char *action;
    struct vg_str table;
    const struct dynamodb_item *item;
    struct vg_enum capacity, returns, on_failure;
};

static vg_rc
add_write(struct asks *all, const struct single_write *w, const struct dynamodb_params *params)
{
    struct dynamodb_parsed p;
    struct ask *to = need(all, w->action, w->table, VG_STR_NONE);
    add_expressions(all, to, params, &p);
    add_returns(all, to, w->returns, w->on_failure);
    return add_item(all, to, w->table, w->item);
}

static vg_rc
authz_write(struct vg_req *rq, const struct single_write *w, const struct dynamodb_params *params,
            struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, w->capacity, VG_STR_NONE);
    vg_rc rc = add_write(&all, w, params);
    return rc == VG_OK ? done(&all, az) : rc;
}

#define SINGLE_WRITE(in, action_, item_)                                                           \
    ((struct single_write) { .action = (action_),                                                  \
                             .table = (in)->table_name,                                            \
                             .item = (in)->item_,                                                  \
                             .capacity = (in)->return_consumed_capacity,                           \
                             .returns = (in)->return_values,                                       \
                             .on_failure = (in)->return_values_on_condition_check_failure })

vg_rc
dynamodb_authz_put_item(struct vg_req *rq, const struct dynamodb_put_item_input *in,
                        struct vg_authz *az)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    return authz_write(rq, &SINGLE_WRITE(in, "dynamodb:PutItem", item), &params, az);
}

vg_rc
dynamodb_authz_delete_item(struct vg_req *rq, const struct dynamodb_delete_item_input *in,
                           struct vg_authz *az)
{
    const struct dynamodb_params params = DYNAMODB_PARAMS_OF_WRITE(in);
    return authz_write(rq, &SINGLE_WRITE(in, "dynamodb:DeleteItem", key), &params, az);
}

vg_rc
dynamodb_authz_update_item(struct vg_req *rq, const struct dynamodb_update_item_input *in,
                           struct vg_authz *az)
{
    const struct dynamodb_params params = dynamodb_params_of_update(in);
    return authz_write(rq, &SINGLE_WRITE(in, "dynamodb:UpdateItem", key), &params, az);
}

/* --- Query, Scan --------------------------------------------------------------------------------
 */

vg_rc
dynamodb_authz_query(struct vg_req *rq, const struct dynamodb_query_input *in, struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR_NONE);
    const struct dynamodb_params params = dynamodb_params_of_query(rq->arena, in);
    struct dynamodb_parsed p;
    struct ask *to = need(&all, "dynamodb:Query", in->table_name, in->index_name);
    add_expressions(&all, to, &params, &p);
    add_select(&all, to, in->select, in->index_name, &params);
    vg_rc rc = add_query_key(&all, to, in, &p);
    return rc == VG_OK ? done(&all, az) : rc;
}

/* "Scan returns all items regardless of the leading keys": it has none. */
vg_rc
dynamodb_authz_scan(struct vg_req *rq, const struct dynamodb_scan_input *in, struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR_NONE);
    const struct dynamodb_params params = dynamodb_params_of_scan(in);
    struct dynamodb_parsed p;
    struct ask *to = need(&all, "dynamodb:Scan", in->table_name, in->index_name);
    add_expressions(&all, to, &params, &p);
    add_select(&all, to, in->select, in->index_name, &params);
    return done(&all, az);
}

/* --- several at once ----------------------------------------------------------------------------
 */

vg_rc
dynamodb_authz_batch_get_item(struct vg_req *rq, const struct dynamodb_batch_get_item_input *in,
                              struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR_NONE);
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < in->request_items.len && rc == VG_OK; i++) {
        const struct dynamodb_batch_get_request_map__entry *e = &in->request_items.items[i];
        const struct dynamodb_params params = DYNAMODB_PARAMS_OF_READ(&e->value);
        struct dynamodb_parsed p;
        struct ask *to = need(&all, "dynamodb:BatchGetItem", e->key, VG_STR_NONE);
        add_expressions(&all, to, &params, &p);
        add_select(&all, to, (struct vg_enum) { 0 }, VG_STR_NONE, &params);
        for (size_t k = 0; k < e->value.keys.len && rc == VG_OK; k++)
            rc = add_item(&all, to, e->key, &e->value.keys.items[k]);
    }
    return rc == VG_OK ? done(&all, az) : rc;
}

vg_rc
dynamodb_authz_batch_write_item(struct vg_req *rq, const struct dynamodb_batch_write_item_input *in,
                                struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR_NONE);
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < in->request_items.len && rc == VG_OK; i++) {
        const struct dynamodb_batch_write_item_request_map__entry *e = &in->request_items.items[i];
        struct ask *to = need(&all, "dynamodb:BatchWriteItem", e->key, VG_STR_NONE);
        for (size_t k = 0; k < e->value.len && rc == VG_OK; k++) {
            const struct dynamodb_write_request *w = &e->value.items[k];
            if (w->put_request)
                rc = add_item(&all, to, e->key, w->put_request->item);
            if (w->delete_request && rc == VG_OK)
                rc = add_item(&all, to, e->key, w->delete_request->key);
        }
    }
    return rc == VG_OK ? done(&all, az) : rc;
}

vg_rc
dynamodb_authz_transact_get_items(struct vg_req *rq,
                                  const struct dynamodb_transact_get_items_input *in,
                                  struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR("TransactGetItems"));
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < in->transact_items.len && rc == VG_OK; i++) {
        const struct dynamodb_get *get = in->transact_items.items[i].get;
        const struct dynamodb_params params = { .projection = get->projection_expression,
                                                .names = &get->expression_attribute_names };
        struct dynamodb_parsed p;
        struct ask *to = need(&all, "dynamodb:GetItem", get->table_name, VG_STR_NONE);
        add_expressions(&all, to, &params, &p);
        add_select(&all, to, (struct vg_enum) { 0 }, VG_STR_NONE, &params);
        rc = add_item(&all, to, get->table_name, get->key);
    }
    return rc == VG_OK ? done(&all, az) : rc;
}

/* "Prevent information from being returned on a ConditionCheck failure" tests ReturnValues. */
#define ADD_WRITE(all, in, action_, item_, params)                                                 \
    add_write(                                                                                     \
        (all),                                                                                     \
        &(struct single_write) { .action = (action_),                                              \
                                 .table = (in)->table_name,                                        \
                                 .item = (in)->item_,                                              \
                                 .on_failure = (in)->return_values_on_condition_check_failure },   \
        (params))

static vg_rc
add_transact(struct asks *all, const struct dynamodb_transact_write_item *in)
{
    struct dynamodb_params params;
    vg_rc rc = VG_OK;
    if (in->put) {
        params = DYNAMODB_PARAMS_OF_CONDITION(in->put);
        rc = ADD_WRITE(all, in->put, "dynamodb:PutItem", item, &params);
    }
    if (in->delete &&rc == VG_OK) {
        params = DYNAMODB_PARAMS_OF_CONDITION(in->delete);
        rc = ADD_WRITE(all, in->delete, "dynamodb:DeleteItem", key, &params);
    }
    if (in->update && rc == VG_OK) {
        params = DYNAMODB_PARAMS_OF_CONDITION(in->update);
        params.update = in->update->update_expression;
        rc = ADD_WRITE(all, in->update, "dynamodb:UpdateItem", key, &params);
    }
    if (in->condition_check && rc == VG_OK) {
        params = DYNAMODB_PARAMS_OF_CONDITION(in->condition_check);
        rc = ADD_WRITE(all, in->condition_check, "dynamodb:ConditionCheckItem", key, &params);
    }
    return rc;
}

vg_rc
dynamodb_authz_transact_write_items(struct vg_req *rq,
                                    const struct dynamodb_transact_write_items_input *in,
                                    struct vg_authz *az)
{
    struct asks all = asks_of(rq, az, in->return_consumed_capacity, VG_STR("TransactWriteItems"));
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < in->transact_items.len && rc == VG_OK; i++)
        rc = add_transact(&all, &in->transact_items.items[i]);
    return rc == VG_OK ? done(&all, az) : rc;
}
