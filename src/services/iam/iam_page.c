/* SPDX-License-Identifier: Apache-2.0 */

/* Lists in pages, and reading all identities of a kind. */

#include "services/iam/iam_int.h"

#include "auth/aws_policies.h"
#include "codec/base64.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX     1000
#define SCAN_ROWS    200

vg_rc
iam_page(struct vg_req *rq, struct vg_str marker, struct vg_opt_i64 max_items, struct iam_page *ret)
{
    int64_t max = vg_opt_or(max_items, PAGE_DEFAULT);
    *ret = (struct iam_page) { .max = (size_t)VG_MIN(max, PAGE_MAX) };
    if (!marker.ptr)
        return VG_OK;
    if (marker.len == 0 || !vg_base64_decode(rq->arena, marker, &ret->after))
        return vg_fail_validation(rq, "Invalid Marker.");
    return VG_OK;
}

struct vg_str
iam_marker(struct vg_req *rq, struct vg_str last)
{
    return vg_base64_encode(rq->arena, last);
}

vg_rc
iam_slice(struct vg_req *rq, struct vg_str marker, struct vg_opt_i64 max_items, size_t n,
          size_t *ret_from, size_t *ret_to, struct vg_opt_bool *ret_truncated,
          struct vg_str *ret_marker)
{
    struct iam_page page;
    uint64_t from = 0;
    vg_rc rc = iam_page(rq, marker, max_items, &page);
    if (rc != VG_OK)
        return rc;
    if (page.after.ptr && !vg_str_to_u64(page.after, &from))
        return vg_fail_validation(rq, "Invalid Marker.");
    *ret_from = VG_MIN((size_t)from, n);
    *ret_to = VG_MIN(*ret_from + page.max, n);
    *ret_truncated = (struct vg_opt_bool) { .set = true, .v = *ret_to < n };
    if (*ret_to < n)
        *ret_marker = iam_marker(rq, vg_str_fmt(rq->arena, "%zu", *ret_to));
    return VG_OK;
}

vg_rc
iam_tags_page(struct vg_req *rq, const struct auth_rec_tag *items, size_t len, struct vg_str marker,
              struct vg_opt_i64 max_items, struct iam_tag_list_type *ret,
              struct vg_opt_bool *ret_truncated, struct vg_str *ret_marker)
{
    size_t from, to;
    vg_rc rc = iam_slice(rq, marker, max_items, len, &from, &to, ret_truncated, ret_marker);
    if (rc != VG_OK)
        return rc;
    *ret = iam_tags_out(rq, items + from, to - from);
    ret->set = true;
    return VG_OK;
}

vg_rc
iam_find(struct vg_req *rq, enum vg_identity_kind kind, struct vg_str path_prefix,
         struct vg_str marker, struct vg_opt_i64 max_items, struct iam_found *ret)
{
    const struct vg_iam db = iam_reader(rq);
    struct iam_page page;
    struct vg_iam_list list = { .has_more = true };
    vg_rc rc = iam_page(rq, marker, max_items, &page);
    *ret = (struct iam_found) { .is_truncated = { .set = true } };
    while (rc == VG_OK && list.has_more) {
        rc = vg_iam_identities(&db, kind, page.after, SCAN_ROWS, &list);
        for (size_t i = 0; rc == VG_OK && i < list.len; i++) {
            const struct auth_rec_identity *id = &list.identities[i];
            page.after = id->name;
            if (path_prefix.len > 0 && !vg_str_starts(id->path, path_prefix))
                continue;
            if (ret->items.len == page.max) {
                ret->is_truncated.v = true;
                ret->marker = iam_marker(rq, ret->items.items[page.max - 1].name);
                return VG_OK;
            }
            *VG_VEC_ADD(rq->arena, &ret->items) = *id;
        }
    }
    return rc;
}

static void
add_row(struct vg_req *rq, const struct iam_row_type *type, const struct auth_rec_identity *id,
        struct iam_rows *to)
{
    type->put(rq, id, (char *)to->items + to->len * type->bytes);
    to->len++;
}

vg_rc
iam_rows_found(struct vg_req *rq, const struct iam_row_type *type, struct vg_str path_prefix,
               struct vg_str marker, struct vg_opt_i64 max_items, struct iam_rows *ret)
{
    struct iam_found found;
    vg_rc rc = iam_find(rq, type->kind, path_prefix, marker, max_items, &found);
    if (rc != VG_OK)
        return rc;
    *ret = (struct iam_rows) { .is_truncated = found.is_truncated, .marker = found.marker };
    ret->items = vg_arena_alloc(rq->arena, (found.items.len + 1) * type->bytes);
    for (size_t i = 0; i < found.items.len; i++)
        add_row(rq, type, &found.items.items[i], ret);
    return VG_OK;
}

vg_rc
iam_rows_named(struct vg_req *rq, const struct iam_row_type *type, const struct vg_str *names,
               size_t n, struct vg_str marker, struct vg_opt_i64 max_items, struct iam_rows *ret)
{
    const struct vg_iam db = iam_reader(rq);
    struct auth_rec_identity id;
    size_t from, to;
    *ret = (struct iam_rows) { 0 };
    vg_rc rc = iam_slice(rq, marker, max_items, n, &from, &to, &ret->is_truncated, &ret->marker);
    if (rc != VG_OK)
        return rc;
    ret->items = vg_arena_alloc(rq->arena, (to - from + 1) * type->bytes);
    for (size_t i = from; i < to && rc == VG_OK; i++) {
        rc = vg_iam_identity(&db, type->kind, names[i], &id);
        if (rc == VG_OK && id.name.ptr)
            add_row(rq, type, &id, ret);
    }
    return rc;
}

vg_rc
iam_all(struct vg_req *rq, const struct vg_iam *db, enum vg_identity_kind kind,
        struct iam_found *ret)
{
    struct vg_iam_list list = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    vg_rc rc = VG_OK;
    *ret = (struct iam_found) { .is_truncated = { .set = true } };
    while (rc == VG_OK && list.has_more) {
        rc = vg_iam_identities(db, kind, after, SCAN_ROWS, &list);
        for (size_t i = 0; rc == VG_OK && i < list.len; i++) {
            *VG_VEC_ADD(rq->arena, &ret->items) = list.identities[i];
            after = list.identities[i].name;
        }
    }
    return rc;
}

vg_rc
iam_all_policies(struct vg_req *rq, const struct vg_iam *db, struct iam_policies *ret)
{
    struct vg_iam_list list = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    vg_rc rc = VG_OK;
    *ret = (struct iam_policies) { 0 };
    while (rc == VG_OK && list.has_more) {
        rc = vg_iam_policies(db, after, SCAN_ROWS, &list);
        for (size_t i = 0; rc == VG_OK && i < list.len; i++) {
            *VG_VEC_ADD(rq->arena, ret) = list.policies[i];
            after = list.policies[i].name;
        }
    }
    return rc;
}

vg_rc
iam_all_profiles(struct vg_req *rq, const struct vg_iam *db, struct iam_profiles *ret)
{
    struct vg_iam_list list = { .has_more = true };
    struct vg_str after = VG_STR_NONE;
    vg_rc rc = VG_OK;
    *ret = (struct iam_profiles) { 0 };
    while (rc == VG_OK && list.has_more) {
        rc = vg_iam_profiles(db, after, SCAN_ROWS, &list);
        for (size_t i = 0; rc == VG_OK && i < list.len; i++) {
            *VG_VEC_ADD(rq->arena, ret) = list.profiles[i];
            after = list.profiles[i].name;
        }
    }
    return rc;
}

static struct iam_use *
use_of(struct vg_str arn, struct iam_use *uses)
{
    size_t n;
    const struct vg_aws_policy *p = vg_aws_policy_find(arn);
    return p ? &uses[p - vg_aws_policies(&n)] : NULL;
}

void
iam_aws_uses_add(const struct iam_found *ids, struct iam_use *uses)
{
    for (size_t i = 0; i < ids->items.len; i++) {
        const struct auth_rec_identity *id = &ids->items.items[i];
        struct iam_use *use = use_of(id->boundary, uses);
        if (use)
            use->boundaries++;
        for (size_t k = 0; k < id->attached.len; k++) {
            use = use_of(id->attached.items[k], uses);
            if (use)
                use->attachments++;
        }
    }
}

vg_rc
iam_aws_uses(struct vg_req *rq, const struct vg_iam *db, struct iam_use **ret)
{
    size_t n;
    struct iam_found ids;
    vg_rc rc = VG_OK;
    vg_aws_policies(&n);
    *ret = VG_NEW_ARRAY(rq->arena, struct iam_use, n);
    for (int k = VG_IDENTITY_USER; rc == VG_OK && k <= VG_IDENTITY_GROUP; k++) {
        rc = iam_all(rq, db, (enum vg_identity_kind)k, &ids);
        if (rc == VG_OK)
            iam_aws_uses_add(&ids, *ret);
    }
    return rc;
}
