/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_FORM_POLICY_H
#define S3_FORM_POLICY_H

/*
 * Policies of browsers' forms: what the signer allows to be uploaded.  Pure rules.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 *
 * That page does not give S3's answers; their texts are those that S3 was seen to give, in
 * LocalStack's snapshots of them and in issues of upload libraries.
 */

#include "base/arena.h"
#include "base/str.h"

/* A field of a form; `name` in lower case, for its case does not count. */
struct s3_form_field {
    struct vg_str name, as_sent, value;
};

struct s3_form_fields {
    struct s3_form_field *items;
    size_t len, cap;
};

/* By its name in lower case; absent: the form has none. */
struct vg_str s3_form_get(const struct s3_form_fields *fields, struct vg_str name);

enum s3_form_match { S3_FORM_EQ, S3_FORM_STARTS_WITH };

struct s3_form_condition {
    enum s3_form_match match;
    struct vg_str field; /* "$key"; without its dollar sign it names none */
    struct vg_str value;
};

struct s3_form_policy {
    int64_t expires_ms;
    VG_VEC(struct s3_form_condition) conditions;
    bool has_range;
    uint64_t min, max;       /* bytes of the file */
    struct vg_str bad_range; /* one that holds for nothing, as it is written; absent: none */
};

/* Of its text in base64; false: InvalidPolicyDocument, "Invalid Policy: " and *ret_why. */
bool s3_form_policy_read(struct vg_arena *arena, struct vg_str text, struct s3_form_policy *ret,
                         struct vg_str *ret_why) VG_MUST_USE;
/* Whether a form meets it but for the file's size; else AccessDenied, "Invalid according to
 * Policy: " and *ret_why.  `bucket` is the one that the request is to. */
bool s3_form_policy_holds(struct vg_arena *arena, const struct s3_form_policy *policy,
                          struct vg_str bucket, const struct s3_form_fields *fields,
                          struct vg_str *ret_why) VG_MUST_USE;

#endif
