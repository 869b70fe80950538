/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOGS_FILTER_H
#define LOGS_FILTER_H

/*
 * The filter-pattern language of CloudWatch Logs, compiled once and matched against many messages.
 *
 * Three forms, told apart by the first character: terms (ERROR -"not this" ?a ?b %regex%),
 * space-delimited fields ([ip, ..., status = 4*]) and JSON ({ $.a.b = "x" && $.n > 3 }).
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 *
 * Pure: no I/O, no clock.  A compiled filter is immutable and may be matched on any thread.
 */

#include "base/arena.h"
#include "base/err.h"

struct logs_filter;

/* AWS: the length of filterPattern; at most two regular expressions in one pattern. */
#define LOGS_FILTER_MAX_CHARS 1024
#define LOGS_FILTER_MAX_REGEX 2

/*
 * Compiles `pattern`, which must outlive the filter, as must `arena`, which owns it.  An empty or
 * blank pattern matches everything.  On VG_FAIL the text of `err` is meant for the caller of the
 * API (InvalidParameterException).
 */
vg_rc logs_filter_parse(struct vg_arena *arena, struct vg_str pattern, struct logs_filter **ret,
                        struct vg_err *err) VG_MUST_USE;

/* `scratch` serves for decoded JSON strings and may be cleared after each call. */
bool logs_filter_match(const struct logs_filter *filter, struct vg_arena *scratch,
                       struct vg_str message);

#endif
