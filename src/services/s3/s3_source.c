/* SPDX-License-Identifier: Apache-2.0 */

/* One content, segment by segment: for readers, and for checks. */

#include "services/s3/s3_content.h"

#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/segment.h"
#include "store/blob.h"

#include <stdio.h>

static vg_rc VG_PRINTF(3, 4)
    damaged(const struct s3_source *s, struct vg_err *err, const char *fmt, ...)
{
    char what[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (s->content->blob.ptr)
        return vg_err_set(err, "content file %" VG_FMT " is damaged: %s", VG_ARG(s->content->blob),
                          what);
    return vg_err_set(err, "a content in the store is damaged: %s", what);
}

static vg_rc
open_key(struct s3_opened *o, const uint8_t with[S3_KEY_BYTES], struct vg_err *err)
{
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0); /* the request's is the fiber's */
    struct vg_str key;
    if (!vg_unseal(tmp, with, S3_KEY_LABEL, o->source->content->key, &key)
        || key.len != VG_SEGMENT_KEY_BYTES)
        return damaged(o->source, err, "its key does not open");
    o->cipher = vg_segments_new((const uint8_t *)key.ptr);
    vg_zero((void *)(uintptr_t)key.ptr, key.len);
    return VG_OK;
}

vg_rc
s3_source_open(struct vg_blobs *blobs, const struct s3_source *source,
               const uint8_t with[S3_KEY_BYTES], struct s3_opened *ret, struct vg_err *err)
{
    const struct s3_rec_content *c = source->content;
    uint64_t stored = source->small.len, size = (uint64_t)c->size;
    *ret = (struct s3_opened) { .source = source };
    vg_rc rc = with ? open_key(ret, with, err) : VG_OK;
    if (rc == VG_OK && c->blob.ptr) {
        rc = vg_blob_open(blobs, c->blob, &ret->blob, err);
        stored = rc == VG_OK ? vg_blob_size(ret->blob) : 0;
        if (rc != VG_OK)
            vg_err_wrap(err, "content file %" VG_FMT, VG_ARG(c->blob));
    }
    if (rc == VG_OK && stored != vg_segments_stored(size))
        rc = damaged(source, err, "it has %llu bytes instead of %llu", (unsigned long long)stored,
                     (unsigned long long)vg_segments_stored(size));
    if (rc != VG_OK)
        s3_source_close(ret);
    return rc;
}

void
s3_source_close(struct s3_opened *o)
{
    vg_blob_close(o->blob);
    vg_segments_free(o->cipher);
    *o = (struct s3_opened) { .source = NULL };
}

vg_rc
s3_source_segment(const struct s3_opened *o, uint64_t i, uint8_t *to, struct vg_str *ret,
                  struct vg_err *err)
{
    uint64_t size = (uint64_t)o->source->content->size, n = vg_segments_count(size);
    uint64_t at = vg_segment_offset(i), end = vg_segments_stored(size);
    size_t len = (size_t)VG_MIN(end - at, (uint64_t)VG_SEGMENT_STORED_BYTES), got = len;
    struct vg_str stored = vg_str_n(to, len);
    vg_rc rc = VG_OK;
    if (o->blob)
        rc = vg_blob_read(o->blob, at, to, len, &got, err);
    else
        stored = vg_str_slice(o->source->small, (size_t)at, (size_t)at + len);
    if (rc != VG_OK)
        return rc;
    if (got != len || !vg_segment_open(o->cipher, i, i + 1 == n, stored, to))
        return damaged(o->source, err, "segment %llu of %llu does not decrypt",
                       (unsigned long long)(i + 1), (unsigned long long)n);
    *ret = vg_str_n(to, len - VG_SEGMENT_TAG_BYTES);
    return VG_OK;
}
