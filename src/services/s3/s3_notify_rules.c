/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Events and filters of notifications: pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
 */

#include "services/s3/s3_notify.h"

#include "base/buf.h"
#include "codec/uri.h"

static const struct vg_str names[] = {
    [S3_CREATED_PUT] = VG_STR_INIT("ObjectCreated:Put"),
    [S3_CREATED_POST] = VG_STR_INIT("ObjectCreated:Post"),
    [S3_CREATED_COPY] = VG_STR_INIT("ObjectCreated:Copy"),
    [S3_CREATED_IN_PARTS] = VG_STR_INIT("ObjectCreated:CompleteMultipartUpload"),
    [S3_REMOVED] = VG_STR_INIT("ObjectRemoved:Delete"),
    [S3_REMOVED_BY_MARKER] = VG_STR_INIT("ObjectRemoved:DeleteMarkerCreated"),
    [S3_EXPIRED] = VG_STR_INIT("LifecycleExpiration:Delete"),
    [S3_EXPIRED_BY_MARKER] = VG_STR_INIT("LifecycleExpiration:DeleteMarkerCreated"),
    [S3_TRANSITIONED] = VG_STR_INIT("LifecycleTransition"),
    [S3_RESTORE_BEGUN] = VG_STR_INIT("ObjectRestore:Post"),
    [S3_RESTORED] = VG_STR_INIT("ObjectRestore:Completed"),
    [S3_RESTORE_ENDED] = VG_STR_INIT("ObjectRestore:Delete"),
    [S3_TAGS_PUT] = VG_STR_INIT("ObjectTagging:Put"),
    [S3_TAGS_DELETED] = VG_STR_INIT("ObjectTagging:Delete"),
    [S3_ACL_PUT] = VG_STR_INIT("ObjectAcl:Put"),
    [S3_RETENTION_PUT] = VG_STR_INIT("ObjectRetention:Put"),
};

struct vg_str
s3_happening_name(enum s3_happening what)
{
    return names[what];
}

/* "s3:ObjectCreated:" of "s3:ObjectCreated:*"; of one event the whole. */
static bool
takes(struct vg_str pattern, struct vg_str event)
{
    if (!vg_str_ends(pattern, VG_STR("*")))
        return vg_str_eq(pattern, event);
    return vg_str_starts(event, vg_str_slice(pattern, 0, pattern.len - 1));
}

bool
s3_events_meet(struct vg_str a, struct vg_str b)
{
    return takes(a, b) || takes(b, a);
}

bool
s3_filter_takes(const struct s3_key_filter *f, struct vg_str key)
{
    return vg_str_starts(key, f->prefix) && vg_str_ends(key, f->suffix);
}

bool
s3_filters_meet(const struct s3_key_filter *a, const struct s3_key_filter *b)
{
    bool are_prefixes = vg_str_starts(a->prefix, b->prefix) || vg_str_starts(b->prefix, a->prefix);
    bool are_suffixes = vg_str_ends(a->suffix, b->suffix) || vg_str_ends(b->suffix, a->suffix);
    return are_prefixes && are_suffixes;
}

struct vg_str
s3_event_key(struct vg_arena *arena, struct vg_str key)
{
    struct vg_str rest = vg_uri_encode(arena, key, true);
    struct vg_buf b;
    vg_buf_init(&b, arena, rest.len + 1);
    while (rest.len > 0) {
        bool is_space = vg_str_starts(rest, VG_STR("%20"));
        vg_buf_addc(&b, is_space ? '+' : rest.ptr[0]);
        rest = vg_str_slice(rest, is_space ? 3 : 1, rest.len);
    }
    return vg_buf_str(&b);
}
