/* SPDX-License-Identifier: Apache-2.0 */

/* Tags of keys. https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html */

#include "services/kms/kms_int.h"

#define PAGE_DEFAULT 50

static struct kms_rec_tag *
find(struct kms_rec_key *key, struct vg_str name)
{
    for (size_t i = 0; i < key->tags.len; i++)
        if (vg_str_eq(key->tags.items[i].key, name))
            return &key->tags.items[i];
    return NULL;
}

vg_rc
kms_put_tags(struct vg_req *rq, struct kms_rec_key *key, const struct kms_tag_list *tags)
{
    for (size_t i = 0; i < tags->len; i++) {
        struct vg_str name = tags->items[i].tag_key;
        for (size_t k = 0; k < i; k++)
            if (vg_str_eq(tags->items[k].tag_key, name))
                return kms_fail_tag_exception(rq, "Duplicate tag keys");
        if (vg_str_starts_nocase(name, VG_STR("aws:")))
            return kms_fail_tag_exception(rq,
                                          "Tag keys must not begin with the reserved prefix aws:");
        struct kms_rec_tag *to = find(key, name);
        if (to == NULL)
            to = VG_VEC_ADD(rq->arena, &key->tags);
        *to = (struct kms_rec_tag) { .key = name, .value = tags->items[i].tag_value };
    }
    if (key->tags.len > KMS_LIMIT_TAGS)
        return kms_fail_tag_exception(rq, "Too many tags");
    return VG_OK;
}

vg_rc
kms_tag_resource(struct vg_req *rq, const struct kms_tag_resource_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc == VG_OK)
        rc = kms_put_tags(rq, key, &in->tags);
    if (rc != VG_OK)
        return rc;
    return kms_edit_save(&e, key);
}

vg_rc
kms_untag_resource(struct vg_req *rq, const struct kms_untag_resource_request *in)
{
    kms_auto_edit struct kms_edit e = { 0 };
    struct kms_rec_key *key;
    vg_rc rc = kms_edit_live(rq, in->key_id, &e, &key);
    if (rc != VG_OK)
        return rc;
    for (size_t i = 0; i < in->tag_keys.len; i++) {
        struct kms_rec_tag *at = find(key, in->tag_keys.items[i]);
        if (at != NULL) {
            size_t behind = (size_t)(&key->tags.items[key->tags.len] - at) - 1;
            memmove(at, at + 1, behind * sizeof(*at));
            key->tags.len--;
        }
    }
    return kms_edit_save(&e, key);
}

/* In the order in which they were given; the marker is the last one's key. */
vg_rc
kms_list_resource_tags(struct vg_req *rq, const struct kms_list_resource_tags_request *in,
                       struct kms_list_resource_tags_response *out)
{
    struct kms_found found;
    struct vg_str after;
    size_t max = (size_t)VG_MIN(vg_opt_or(in->limit, PAGE_DEFAULT), PAGE_DEFAULT), from = 0;
    vg_rc rc = kms_need(rq, in->key_id, 0, &found);
    if (rc == VG_OK)
        rc = kms_read_marker(rq, in->marker, &after);
    if (rc != VG_OK)
        return rc;
    const struct kms_rec_tag *last = after.ptr ? find(found.key, after) : NULL;
    if (last != NULL)
        from = (size_t)(last - found.key->tags.items) + 1;
    size_t n = VG_MIN(found.key->tags.len - from, max);
    out->tags = (struct kms_tag_list) { VG_NEW_ARRAY(rq->arena, struct kms_tag, n + 1), n, true };
    for (size_t i = 0; i < n; i++) {
        const struct kms_rec_tag *tag = &found.key->tags.items[from + i];
        out->tags.items[i] = (struct kms_tag) { .tag_key = tag->key, .tag_value = tag->value };
    }
    bool has_more = from + n < found.key->tags.len;
    out->truncated = (struct vg_opt_bool) { true, has_more };
    if (has_more)
        out->next_marker = kms_marker(rq, out->tags.items[n - 1].tag_key);
    return VG_OK;
}
