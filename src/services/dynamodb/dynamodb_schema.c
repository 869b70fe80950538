/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_schema.h"

#define INVALID   "One or more parameter values were invalid: "
#define UNITS_MAX 1000000000000 /* what AWS's message bounds; account quotas lie below */

static const struct dynamodb_rec_attr *
find_attr(const struct dynamodb_rec_table *rec, struct vg_str name)
{
    for (size_t i = 0; i < rec->attrs.len; i++) {
        if (vg_str_eq(rec->attrs.items[i].name, name))
            return &rec->attrs.items[i];
    }
    return NULL;
}

/* "[a, b]" */
static struct vg_str
listed(struct vg_req *rq, const struct vg_str *names, size_t n)
{
    struct vg_buf b;
    vg_buf_init(&b, rq->arena, 64u << 10);
    vg_buf_addc(&b, '[');
    for (size_t i = 0; i < n; i++)
        vg_buf_addf(&b, "%s%" VG_FMT, i ? ", " : "", VG_ARG(names[i]));
    vg_buf_addc(&b, ']');
    return vg_buf_str(&b);
}

static struct vg_str
listed_attrs(struct vg_req *rq, const struct dynamodb_rec_table *rec)
{
    struct vg_str *names = VG_NEW_ARRAY(rq->arena, struct vg_str, rec->attrs.len + 1);
    for (size_t i = 0; i < rec->attrs.len; i++)
        names[i] = rec->attrs.items[i].name;
    return listed(rq, names, rec->attrs.len);
}

vg_rc
dynamodb_schema_attrs(struct vg_req *rq, const struct dynamodb_attribute_definitions *defs,
                      struct dynamodb_rec_table *rec)
{
    for (size_t i = 0; i < defs->len; i++) {
        const struct dynamodb_attribute_definition *def = &defs->items[i];
        const struct dynamodb_rec_attr *had = find_attr(rec, def->attribute_name);
        if (had == NULL) {
            *VG_VEC_ADD(rq->arena, &rec->attrs) =
                (struct dynamodb_rec_attr) { .name = def->attribute_name,
                                             .type = def->attribute_type.text };
        } else if (!vg_str_eq(had->type, def->attribute_type.text)) {
            return vg_fail_validation(rq,
                                      INVALID "Duplicate AttributeName in AttributeDefinitions. "
                                              "AttributeName: %" VG_FMT,
                                      VG_ARG(def->attribute_name));
        }
    }
    return VG_OK;
}

/* The shape of any key schema: HASH, then perhaps RANGE, of two names. */
static vg_rc
check_schema(struct vg_req *rq, const struct dynamodb_key_schema *schema, struct vg_str *ret_hash,
             struct vg_str *ret_range)
{
    const struct dynamodb_key_schema_element *e = schema->items;
    if (schema->len > 2)
        return vg_fail_validation(rq, INVALID "Key schemas of more than two elements are not "
                                              "supported");
    if (schema->len == 0 || e[0].key_type.v != DYNAMODB_KEY_TYPE_HASH)
        return vg_fail_validation(rq, "Invalid KeySchema: The first KeySchemaElement is not a HASH "
                                      "key type");
    *ret_hash = e[0].attribute_name;
    *ret_range = VG_STR_NONE;
    if (schema->len == 1)
        return VG_OK;
    if (e[1].key_type.v != DYNAMODB_KEY_TYPE_RANGE)
        return vg_fail_validation(rq, "Invalid KeySchema: The second KeySchemaElement is not a "
                                      "RANGE key type");
    if (vg_str_eq(e[0].attribute_name, e[1].attribute_name))
        return vg_fail_validation(rq, "Both the Hash Key and the Range Key element in the "
                                      "KeySchema have the same name");
    *ret_range = e[1].attribute_name;
    return VG_OK;
}

vg_rc
dynamodb_schema_key(struct vg_req *rq, const struct dynamodb_key_schema *schema,
                    struct dynamodb_rec_table *rec)
{
    vg_rc rc = check_schema(rq, schema, &rec->hash, &rec->range);
    if (rc != VG_OK)
        return rc;
    if (find_attr(rec, rec->hash) == NULL || (rec->range.ptr && !find_attr(rec, rec->range)))
        return vg_fail_validation(rq, "Invalid KeySchema: Some index key attribute have no "
                                      "definition");
    return VG_OK;
}

static vg_rc
check_projection(struct vg_req *rq, const struct dynamodb_projection *p,
                 struct dynamodb_rec_index *ix)
{
    if (p == NULL || p->projection_type.v <= 0)
        return vg_fail_validation(rq, INVALID "Unknown ProjectionType: null");
    ix->projection = p->projection_type.text;
    bool is_include = p->projection_type.v == DYNAMODB_PROJECTION_TYPE_INCLUDE;
    bool has_names = p->non_key_attributes.len > 0;
    if (has_names && !is_include)
        return vg_fail_validation(
            rq, INVALID "ProjectionType is %" VG_FMT ", but NonKeyAttributes is specified",
            VG_ARG(ix->projection));
    if (is_include && !has_names)
        return vg_fail_validation(rq, INVALID "ProjectionType is INCLUDE, but NonKeyAttributes is "
                                              "not specified");
    for (size_t i = 0; i < p->non_key_attributes.len; i++) {
        struct vg_str name = p->non_key_attributes.items[i];
        for (size_t j = 0; j < i; j++) {
            if (vg_str_eq(p->non_key_attributes.items[j], name))
                return vg_fail_validation(rq,
                                          INVALID "Duplicate NonKeyAttribute in the projection: "
                                                  "%" VG_FMT,
                                          VG_ARG(name));
        }
        *VG_VEC_ADD(rq->arena, &ix->non_key) = name;
    }
    return VG_OK;
}

/* What local and global indexes have in common; adds nothing yet. */
static vg_rc
check_index(struct vg_req *rq, const struct dynamodb_rec_table *rec, struct vg_str name,
            const struct dynamodb_key_schema *schema, const struct dynamodb_projection *projection,
            struct dynamodb_rec_index *ix)
{
    *ix = (struct dynamodb_rec_index) { .name = name };
    vg_rc rc = check_schema(rq, schema, &ix->hash, &ix->range);
    if (rc != VG_OK)
        return rc;
    struct vg_str keys[2] = { ix->hash, ix->range };
    size_t n = ix->range.ptr ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        if (find_attr(rec, keys[i]) == NULL)
            return vg_fail_validation(rq,
                                      INVALID "Some index key attributes are not defined in "
                                              "AttributeDefinitions. Keys: %" VG_FMT
                                              ", AttributeDefinitions: %" VG_FMT,
                                      VG_ARG(listed(rq, keys, n)), VG_ARG(listed_attrs(rq, rec)));
    }
    rc = check_projection(rq, projection, ix);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < rec->indexes.len; i++) {
        if (vg_str_eq(rec->indexes.items[i].name, name))
            return vg_fail_validation(rq, INVALID "Duplicate index name: %" VG_FMT, VG_ARG(name));
    }
    return VG_OK;
}

static void
add_index(struct vg_req *rq, struct dynamodb_rec_table *rec, struct dynamodb_rec_index *ix)
{
    ix->id = ++rec->next_index_id;
    *VG_VEC_ADD(rq->arena, &rec->indexes) = *ix;
}

vg_rc
dynamodb_schema_lsis(struct vg_req *rq, const struct dynamodb_local_secondary_index_list *lsis,
                     struct dynamodb_rec_table *rec)
{
    if (!lsis->set)
        return VG_OK;
    if (lsis->len == 0)
        return vg_fail_validation(rq, INVALID "List of LocalSecondaryIndexes is empty");
    if (rec->range.ptr == NULL)
        return vg_fail_validation(rq, INVALID "Table KeySchema does not have a range key, which is "
                                              "required when specifying a LocalSecondaryIndex");
    for (size_t i = 0; i < lsis->len; i++) {
        const struct dynamodb_local_secondary_index *lsi = &lsis->items[i];
        struct dynamodb_rec_index ix;
        vg_rc rc = check_index(rq, rec, lsi->index_name, &lsi->key_schema, lsi->projection, &ix);
        if (rc != VG_OK)
            return rc;
        if (!vg_str_eq(ix.hash, rec->hash))
            return vg_fail_validation(rq,
                                      INVALID "Index KeySchema does not have the same leading hash "
                                              "key as table KeySchema for index: %" VG_FMT
                                              ". index hash key: %" VG_FMT
                                              ", table hash key: %" VG_FMT,
                                      VG_ARG(ix.name), VG_ARG(ix.hash), VG_ARG(rec->hash));
        if (ix.range.ptr == NULL)
            return vg_fail_validation(rq,
                                      INVALID "Index KeySchema does not have a range key for "
                                              "index: %" VG_FMT,
                                      VG_ARG(ix.name));
        add_index(rq, rec, &ix);
    }
    if (lsis->len > DYNAMODB_LIMIT_LSIS)
        return vg_fail_validation(rq,
                                  INVALID "Number of LocalSecondaryIndexes exceeds per-table limit "
                                          "of %d",
                                  DYNAMODB_LIMIT_LSIS);
    return VG_OK;
}

vg_rc
dynamodb_schema_gsi(struct vg_req *rq, const struct dynamodb_global_secondary_index *gsi,
                    struct dynamodb_rec_table *rec)
{
    if (gsi->on_demand_throughput || gsi->warm_throughput)
        return vg_fail_validation(rq, INVALID "OnDemandThroughput and WarmThroughput of an index "
                                              "are not supported");
    struct dynamodb_rec_index ix;
    vg_rc rc = check_index(rq, rec, gsi->index_name, &gsi->key_schema, gsi->projection, &ix);
    if (rc == VG_OK)
        rc = dynamodb_schema_throughput(rq, gsi->provisioned_throughput, rec->is_on_demand, ix.name,
                                        &ix.read_units, &ix.write_units);
    if (rc != VG_OK)
        return rc;
    ix.is_global = true;
    size_t n = 0;
    for (size_t i = 0; i < rec->indexes.len; i++)
        n += rec->indexes.items[i].is_global ? 1 : 0;
    if (n >= DYNAMODB_LIMIT_GSIS)
        return vg_fail_validation(rq,
                                  INVALID "GlobalSecondaryIndex count exceeds the per-table limit "
                                          "of %d",
                                  DYNAMODB_LIMIT_GSIS);
    add_index(rq, rec, &ix);
    return VG_OK;
}

static bool
is_key(struct vg_str name, struct vg_str hash, struct vg_str range)
{
    return vg_str_eq(name, hash) || (range.ptr && vg_str_eq(name, range));
}

vg_rc
dynamodb_schema_all_used(struct vg_req *rq, const struct dynamodb_rec_table *rec)
{
    struct vg_str *used = VG_NEW_ARRAY(rq->arena, struct vg_str, rec->attrs.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < rec->attrs.len; i++) {
        struct vg_str name = rec->attrs.items[i].name;
        bool is_used = is_key(name, rec->hash, rec->range);
        for (size_t j = 0; j < rec->indexes.len; j++)
            is_used =
                is_used || is_key(name, rec->indexes.items[j].hash, rec->indexes.items[j].range);
        if (is_used)
            used[n++] = name;
    }
    if (n == rec->attrs.len)
        return VG_OK;
    if (rec->indexes.len == 0)
        return vg_fail_validation(rq, INVALID "Number of attributes in KeySchema does not exactly "
                                              "match number of attributes defined in "
                                              "AttributeDefinitions");
    return vg_fail_validation(rq,
                              INVALID "Some AttributeDefinitions are not used. "
                                      "AttributeDefinitions: %" VG_FMT ", keys used: %" VG_FMT,
                              VG_ARG(listed_attrs(rq, rec)), VG_ARG(listed(rq, used, n)));
}

vg_rc
dynamodb_schema_throughput(struct vg_req *rq, const struct dynamodb_provisioned_throughput *pt,
                           bool is_on_demand, struct vg_str index, int64_t *ret_read,
                           int64_t *ret_write)
{
    if (is_on_demand) {
        if (pt == NULL)
            return VG_OK;
        if (index.ptr)
            return vg_fail_validation(rq,
                                      INVALID "ProvisionedThroughput should not be specified for "
                                              "index: %" VG_FMT
                                              " when BillingMode is PAY_PER_REQUEST",
                                      VG_ARG(index));
        return vg_fail_validation(rq, INVALID "Neither ReadCapacityUnits nor WriteCapacityUnits "
                                              "can be specified when BillingMode is "
                                              "PAY_PER_REQUEST");
    }
    if (pt == NULL && index.ptr)
        return vg_fail_validation(rq,
                                  INVALID "ProvisionedThroughput must be specified for index: "
                                          "%" VG_FMT,
                                  VG_ARG(index));
    if (pt == NULL)
        return vg_fail_validation(rq, INVALID "ReadCapacityUnits and WriteCapacityUnits must both "
                                              "be specified when BillingMode is PROVISIONED");
    if (pt->read_capacity_units.v > UNITS_MAX || pt->write_capacity_units.v > UNITS_MAX) {
        bool is_read = pt->read_capacity_units.v > UNITS_MAX;
        return vg_fail_validation(
            rq, "Given value %lld for %s is out of bounds%s%" VG_FMT,
            (long long)(is_read ? pt->read_capacity_units.v : pt->write_capacity_units.v),
            is_read ? "ReadCapacityUnits" : "WriteCapacityUnits", index.ptr ? " for index " : "",
            VG_ARG(index));
    }
    *ret_read = pt->read_capacity_units.v;
    *ret_write = pt->write_capacity_units.v;
    return VG_OK;
}

vg_rc
dynamodb_schema_tags(struct vg_req *rq, const struct dynamodb_tag_list *tags,
                     struct dynamodb_rec_table *rec)
{
    for (size_t i = 0; i < tags->len; i++) {
        const struct dynamodb_tag *tag = &tags->items[i];
        if (vg_str_starts_nocase(tag->key, VG_STR("aws:")))
            return vg_fail_validation(rq,
                                      INVALID "User can not use reserved tag key prefix 'aws:'. "
                                              "Tag key: %" VG_FMT,
                                      VG_ARG(tag->key));
        for (size_t j = 0; j < i; j++) {
            if (vg_str_eq(tags->items[j].key, tag->key))
                return vg_fail_validation(rq, INVALID "Found duplicated tag keys: %" VG_FMT,
                                          VG_ARG(tag->key));
        }
        struct dynamodb_rec_tag *to = NULL;
        for (size_t j = 0; j < rec->tags.len; j++) {
            if (vg_str_eq(rec->tags.items[j].key, tag->key))
                to = &rec->tags.items[j];
        }
        if (to == NULL)
            to = VG_VEC_ADD(rq->arena, &rec->tags);
        *to = (struct dynamodb_rec_tag) { .key = tag->key, .value = tag->value };
    }
    if (rec->tags.len > DYNAMODB_LIMIT_TAGS)
        return vg_fail_validation(rq, "Too many tags: a resource can have at most %d",
                                  DYNAMODB_LIMIT_TAGS);
    return VG_OK;
}
