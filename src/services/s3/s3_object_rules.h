/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_OBJECT_RULES_H
#define S3_OBJECT_RULES_H

/*
 * Rules of objects that need no store: how keys are grouped and written in lists, ids of versions,
 * conditions and ranges of requests.  Pure; what is given out is the arena's or a part of what was
 * given in.
 */

#include "wire/wire.h"

struct vg_arena;
struct vg_random;

/* --- lists --------------------------------------------------------------------------------------
 */

/*
 * What a list shows instead of `key`: its bytes up to and with the first delimiter after the
 * prefix.  Absent: the key itself is shown (no delimiter in it, or an empty one), or it does not
 * begin with the prefix at all.
 */
struct vg_str s3_common_prefix(struct vg_str key, struct vg_str prefix, struct vg_str delimiter);
/* The first string that is greater than all that begin with `prefix`; absent: there is none. */
struct vg_str s3_after_prefix(struct vg_arena *arena, struct vg_str prefix);
/* The first string that is greater than `key`. */
struct vg_str s3_after_key(struct vg_arena *arena, struct vg_str key);
/*
 * Where a list goes on that has shown everything up to `marker`, a key or a common prefix.  One
 * that lies inside a common prefix stands for all of it.  Absent: nothing can follow.
 */
struct vg_str s3_list_from(struct vg_arena *arena, struct vg_str marker, struct vg_str prefix,
                           struct vg_str delimiter);
/* encoding-type=url: as forms are encoded (a space is '+'), but for slashes. */
struct vg_str s3_url_encode(struct vg_arena *arena, struct vg_str text);

/* --- ids of versions ----------------------------------------------------------------------------
 */

/*
 * An id looks random and says, to us, which place its version has among the versions of its key:
 * so a list of versions goes on where it ended although that version was deleted meanwhile.
 */
struct vg_str s3_version_id(struct vg_random *rnd, struct vg_arena *arena, int64_t order);
/* False: not the form of an id ("null" is none either). Any other text of the form has an order. */
bool s3_version_id_order(struct vg_str id, int64_t *ret);
/* "null", or of that form. */
bool s3_is_version_id(struct vg_str id);

/* --- conditions ---------------------------------------------------------------------------------
 * https://datatracker.ietf.org/doc/html/rfc9110#section-13.2.2, which S3 keeps to
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html)
 */

/* Whether the list of entity tags in If-Match or If-None-Match names `etag` (without quotes): "*"
 * names all, quotes may be left out as S3 allows. */
bool s3_etag_matches(struct vg_str header, struct vg_str etag);

/* Of an object that is there; absent ones are no conditions. */
struct s3_conditions {
    struct vg_str if_match, if_none_match;
    struct vg_opt_i64 modified_since_ms, unmodified_since_ms;
};
enum s3_condition_is {
    S3_CONDITION_HOLDS,
    S3_CONDITION_NOT_MODIFIED, /* 304 of GetObject and HeadObject; of a copy's source it failed */
    S3_CONDITION_FAILED,       /* 412 */
};
/*
 * If-Match makes If-Unmodified-Since meaningless, If-None-Match If-Modified-Since.  Times count in
 * seconds; If-Modified-Since in the future is ignored.  *ret_header is the header that did not hold
 * ("If-Match"; a copy puts "x-amz-copy-source-" before it), NULL where all do.
 */
enum s3_condition_is s3_conditions_check(const struct s3_conditions *c, struct vg_str etag,
                                         int64_t modified_ms, int64_t now_ms,
                                         const char **ret_header);

/* --- ranges -------------------------------------------------------------------------------------
 * https://datatracker.ietf.org/doc/html/rfc9110#section-14.2
 */

enum s3_range_is {
    S3_RANGE_NONE, /* nothing, several ranges or nonsense: the whole object, 200 */
    S3_RANGE_ONE,  /* 206 */
    S3_RANGE_BAD,  /* outside of the object: InvalidRange, 416 */
};
/* Range: bytes 0 to size - 1 inclusive; both are set for S3_RANGE_ONE only. */
enum s3_range_is s3_range(struct vg_str header, int64_t size, int64_t *ret_first,
                          int64_t *ret_last);

#endif
