/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_HTTP_H
#define S3_HTTP_H

/* What S3 does with HTTP beside its operations: struct vg_hooks has these. */

#include "core/hooks.h"

#define S3_TYPE_SERVICE VG_STR("SERVICE")
#define S3_TYPE_BUCKET  VG_STR("BUCKET")
#define S3_TYPE_OBJECT  VG_STR("OBJECT")

/* What a path names: "/bucket/key", decoded; empty: nothing. */
struct s3_place {
    struct vg_str bucket, key;
};
struct s3_place s3_place_of(struct vg_arena *arena, struct vg_str path);

/* s3_http.c: preflights are answered, the rest is refused. */
vg_rc s3_other(struct vg_req *rq, const struct vg_http_head *head) VG_MUST_USE;

/* A query that asks for another operation than the one that was found; what is not built. */
vg_rc s3_check_head(struct vg_req *rq, const struct vg_http_head *head) VG_MUST_USE;
/* Adds the headers that presigned URLs carry as parameters and S3 heeds there. */
vg_rc s3_add_headers(struct vg_req *rq, struct vg_wire_in *in) VG_MUST_USE;
bool s3_has_param(struct vg_str query, struct vg_str name); /* raw, with a value or without */
/* Whether it is one of the names in a query that choose the operation: "acl". */
bool s3_is_selector(struct vg_str name);

/* s3_cors.c */
vg_rc s3_decorate(struct vg_req *rq, const struct vg_http_head *head) VG_MUST_USE;
vg_rc s3_preflight(struct vg_req *rq, const struct vg_http_head *head) VG_MUST_USE;

#endif
