/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_OBJECT_RULES_H
#define S3_OBJECT_RULES_H

/*
 * Rules of objects that need no store: how keys are grouped and written in lists, ids of versions.
 * Pure; what is given out is the arena's or a part of what was given in.
 */

#include "base/str.h"

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

#endif
