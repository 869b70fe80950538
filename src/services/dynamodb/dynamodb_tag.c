/* SPDX-License-Identifier: Apache-2.0 */

/* Tags of tables; limits and endpoints of the account. */

#include "services/dynamodb/dynamodb_schema.h"

/* Tags go by ARN, of a table. */
static vg_rc
find_by_arn(struct vg_req *rq, struct vg_str arn, struct dynamodb_table_name *name,
            const struct dynamodb_table **ret)
{
    if (!vg_str_starts(arn, VG_STR("arn:")))
        return vg_fail_validation(rq,
                                  "Invalid TableArn: Invalid ResourceArn provided as input "
                                  "%" VG_FMT,
                                  VG_ARG(arn));
    vg_rc rc = dynamodb_table_name(rq, arn, name);
    if (rc != VG_OK)
        return rc;
    struct vg_str text = vg_str_fmt(
        rq->arena, "Requested resource not found: ResourcArn: %" VG_FMT " not found", VG_ARG(arn));
    return dynamodb_table_find(rq, name, vg_str_cstr(rq->arena, text), ret);
}

static void
drop_tag(struct dynamodb_rec_table *rec, struct vg_str key)
{
    size_t n = 0;
    for (size_t i = 0; i < rec->tags.len; i++) {
        if (!vg_str_eq(rec->tags.items[i].key, key))
            rec->tags.items[n++] = rec->tags.items[i];
    }
    rec->tags.len = n;
}

/* Adds `add` (may be NULL), then removes `drop` (may be NULL). */
static vg_rc
change_tags(struct vg_req *rq, struct vg_str arn, const struct dynamodb_tag_list *add,
            const struct dynamodb_tag_key_list *drop)
{
    struct dynamodb_table_name name;
    const struct dynamodb_table *t;
    vg_rc rc = find_by_arn(rq, arn, &name, &t);
    if (rc != VG_OK)
        return rc;
    struct vg_str part = dynamodb_store_tables_part(rq->arena, name.account, name.region);
    vg_auto_tx struct vg_tx *tx = NULL;
    struct dynamodb_rec_table rec;
    rc = vg_tx_open(rq, part, &tx);
    if (rc == VG_OK)
        rc = dynamodb_table_now(rq, &name, &rec);
    if (rc == VG_OK && add)
        rc = dynamodb_schema_tags(rq, add, &rec);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; drop && i < drop->len; i++)
        drop_tag(&rec, drop->items[i]);
    dynamodb_store_put_table(tx, rq->arena, part, &rec);
    rc = vg_tx_commit(&tx, rq->err);
    if (rc == VG_OK)
        dynamodb_table_changed(rq, &name);
    return rc;
}

vg_rc
dynamodb_tag_resource(struct vg_req *rq, const struct dynamodb_tag_resource_input *in)
{
    return change_tags(rq, in->resource_arn, &in->tags, NULL);
}

vg_rc
dynamodb_untag_resource(struct vg_req *rq, const struct dynamodb_untag_resource_input *in)
{
    return change_tags(rq, in->resource_arn, NULL, &in->tag_keys);
}

vg_rc
dynamodb_list_tags_of_resource(struct vg_req *rq,
                               const struct dynamodb_list_tags_of_resource_input *in,
                               struct dynamodb_list_tags_of_resource_output *out)
{
    struct dynamodb_table_name name;
    const struct dynamodb_table *t;
    vg_rc rc = find_by_arn(rq, in->resource_arn, &name, &t);
    if (rc != VG_OK)
        return rc;
    if (in->next_token.ptr)
        return vg_fail_validation(rq, "NextToken is not one that this service gave");
    out->tags.items = VG_NEW_ARRAY(rq->arena, struct dynamodb_tag, t->rec.tags.len + 1);
    out->tags.len = t->rec.tags.len;
    out->tags.set = true;
    for (size_t i = 0; i < t->rec.tags.len; i++) {
        out->tags.items[i].key = t->rec.tags.items[i].key;
        out->tags.items[i].value = t->rec.tags.items[i].value;
    }
    return VG_OK;
}

/* AWS's initial quotas of an account; nothing is throttled by them. */
vg_rc
dynamodb_describe_limits(struct vg_req *rq, const struct dynamodb_describe_limits_input *in,
                         struct dynamodb_describe_limits_output *out)
{
    (void)rq;
    (void)in;
    out->account_max_read_capacity_units = (struct vg_opt_i64) { true, 80000 };
    out->account_max_write_capacity_units = (struct vg_opt_i64) { true, 80000 };
    out->table_max_read_capacity_units = (struct vg_opt_i64) { true, 40000 };
    out->table_max_write_capacity_units = (struct vg_opt_i64) { true, 40000 };
    return VG_OK;
}

/* SDKs with endpoint discovery go on with what they were given. */
vg_rc
dynamodb_describe_endpoints(struct vg_req *rq, const struct dynamodb_describe_endpoints_request *in,
                            struct dynamodb_describe_endpoints_response *out)
{
    (void)in;
    struct vg_str address = rq->env->config->endpoint;
    size_t scheme = vg_str_find(address, VG_STR("://"));
    if (scheme != VG_NPOS)
        address = vg_str_slice(address, scheme + 3, address.len);
    out->endpoints.items = VG_NEW(rq->arena, struct dynamodb_endpoint);
    out->endpoints.items[0].address = address;
    out->endpoints.items[0].cache_period_in_minutes = (struct vg_opt_i64) { true, 1440 };
    out->endpoints.len = 1;
    return VG_OK;
}
