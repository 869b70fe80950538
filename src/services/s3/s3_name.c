/* SPDX-License-Identifier: Apache-2.0 */

/* What buckets, keys and canonical users may be called: pure rules. */

#include "services/s3/s3_int.h"

#include "crypto/hash.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

/* "192.168.5.4" */
static bool
is_address(struct vg_str name)
{
    size_t n_dots = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] != '.' && !is_digit(name.ptr[i]))
            return false;
        n_dots += name.ptr[i] == '.';
    }
    return n_dots == 3;
}

static bool
is_reserved(struct vg_str name)
{
    static const struct vg_str heads[] = { VG_STR_INIT("xn--"), VG_STR_INIT("sthree-"),
                                           VG_STR_INIT("amzn-s3-demo-") };
    static const struct vg_str tails[] = { VG_STR_INIT("-s3alias"),   VG_STR_INIT("--ol-s3"),
                                           VG_STR_INIT(".mrap"),      VG_STR_INIT("--x-s3"),
                                           VG_STR_INIT("--table-s3"), VG_STR_INIT("-an") };
    for (size_t i = 0; i < VG_COUNT(heads); i++)
        if (vg_str_starts(name, heads[i]))
            return true;
    for (size_t i = 0; i < VG_COUNT(tails); i++)
        if (vg_str_ends(name, tails[i]))
            return true;
    return false;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
bool
s3_is_bucket_name(struct vg_str name)
{
    if (name.len < 3 || name.len > 63 || !is_letter_or_digit(name.ptr[0])
        || !is_letter_or_digit(name.ptr[name.len - 1]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_letter_or_digit(name.ptr[i]) && name.ptr[i] != '-' && name.ptr[i] != '.')
            return false;
    return vg_str_find(name, VG_STR("..")) == VG_NPOS && !is_address(name) && !is_reserved(name);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
enum s3_key_is
s3_key_check(struct vg_str key)
{
    if (key.len == 0)
        return S3_KEY_EMPTY;
    if (key.len > S3_LIMIT_KEY_BYTES)
        return S3_KEY_LONG;
    return vg_str_is_utf8(key) ? S3_KEY_FINE : S3_KEY_NOT_UTF8;
}

bool
s3_is_account(struct vg_str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!is_digit(id.ptr[i]))
            return false;
    return id.len == 12;
}

/*
 * 64 hexadecimal digits as AWS's are.  The account can be read in them, so that a grant to a
 * canonical user is one to an account whether or not it has been seen before; the digest before it
 * tells typing errors.
 */
struct vg_str
s3_canonical_id(struct vg_arena *arena, struct vg_str account)
{
    struct vg_str digest = vg_sha256_hex(arena, vg_str_cat(arena, VG_STR("canonical:"), account));
    return vg_str_cat(arena, vg_str_slice(digest, 0, 52), account);
}

struct vg_str
s3_canonical_account(struct vg_arena *arena, struct vg_str id)
{
    struct vg_str account = vg_str_slice(id, 52, id.len);
    bool is_it = s3_is_account(account) && vg_str_eq(s3_canonical_id(arena, account), id);
    return is_it ? account : VG_STR_NONE;
}
