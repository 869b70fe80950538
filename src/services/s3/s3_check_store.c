/* SPDX-License-Identifier: Apache-2.0 */

/* Rows as a check meets them: the keys are those of s3_store.c, s3_upload_store.c and
 * s3_notice_store.c, s3_log_store.c. */

#include "services/s3/s3_check.h"

#include "services/s3/s3_store_int.h"
#include "store/key.h"

struct vg_str
s3_check_prefix(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("s3"));
}

struct vg_str
s3_check_buckets_prefix(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("s3"), VG_STR("b"));
}

/* Below a bucket: ("bucket"), ("cfg", kind). */
static enum s3_row_kind
of_bucket(struct vg_arena *arena, struct vg_str kind, struct vg_str rest, struct s3_row *ret)
{
    if (vg_str_eq(kind, VG_STR("bucket")))
        return S3_ROW_BUCKET;
    if (!vg_str_eq(kind, VG_STR("cfg")))
        return S3_ROW_OTHER;
    return vg_key_take_str(arena, &rest, &ret->key) ? S3_ROW_CONFIG : S3_ROW_BAD;
}

/* Among a bucket's objects: (kind, key …). */
static enum s3_row_kind
of_objects(struct vg_arena *arena, struct vg_str kind, struct vg_str rest, struct s3_row *ret)
{
    if (!vg_key_take_str(arena, &rest, &ret->key))
        return S3_ROW_BAD;
    if (vg_str_eq(kind, VG_STR("k")))
        return S3_ROW_CURRENT;
    if (vg_str_eq(kind, VG_STR("v")))
        return S3_ROW_VERSION;
    if (!vg_str_eq(kind, VG_STR("u")))
        return S3_ROW_OTHER;
    return vg_key_take_str(arena, &rest, &ret->upload_id) ? S3_ROW_LISTED : S3_ROW_BAD;
}

static enum s3_row_kind
of_upload(struct vg_str kind)
{
    if (vg_str_eq(kind, VG_STR("upload")))
        return S3_ROW_UPLOAD;
    return vg_str_eq(kind, VG_STR("part")) ? S3_ROW_PART : S3_ROW_OTHER;
}

static enum s3_row_kind
kind_of(struct vg_arena *arena, const struct vg_walk_row *row, struct s3_row *ret)
{
    struct vg_str part = row->part, key = row->key, root, of, id, kind;
    if (row->is_beside)
        return S3_ROW_OTHER; /* timers */
    if (!vg_key_take_str(arena, &part, &root) || !vg_key_take_str(arena, &part, &of)
        || !vg_key_take_str(arena, &part, &id))
        return S3_ROW_BAD;
    ret->bucket = ret->bucket_id = id;
    if (vg_str_eq(of, VG_STR("e")))
        return S3_ROW_NOTICE;
    if (vg_str_eq(of, VG_STR("l")))
        return S3_ROW_LINE;
    if (!vg_key_take_str(arena, &key, &kind))
        return S3_ROW_BAD;
    if (vg_str_eq(of, VG_STR("b")))
        return of_bucket(arena, kind, key, ret);
    if (vg_str_eq(of, VG_STR("a"))) {
        ret->bucket = kind;
        return S3_ROW_BUCKET;
    }
    if (vg_str_eq(of, VG_STR("o")))
        return of_objects(arena, kind, key, ret);
    if (!vg_str_eq(of, VG_STR("p")))
        return S3_ROW_OTHER;
    return vg_key_take_str(arena, &part, &ret->upload_id) ? of_upload(kind) : S3_ROW_BAD;
}

void
s3_row_read(struct vg_arena *arena, const struct vg_walk_row *row, struct s3_row *ret)
{
    *ret = (struct s3_row) { .value = row->value };
    ret->kind = kind_of(arena, row, ret);
}
