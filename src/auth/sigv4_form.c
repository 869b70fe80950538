/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv4_form.h"

#include "auth/sigv2.h"
#include "auth/sigv4_int.h"
#include "base/arena.h"
#include "codec/base64.h"

static bool
is_day(struct vg_str s)
{
    int64_t n;
    return s.len == 8 && vg_str_to_i64(s, &n) && n >= 0;
}

/* What is wrong with the scope; absent: nothing. */
static struct vg_str
wrong_scope(struct vg_arena *arena, const struct vg_sigv4 *sig)
{
    if (sig->access_key_id.len == 0)
        return VG_STR("a non-empty Access Key (AKID) must be provided in the credential.");
    if (!is_day(sig->date))
        return vg_str_fmt(arena,
                          "incorrect date format \"%" VG_FMT "\". This date in the credential must "
                          "be in the format \"yyyyMMdd\".",
                          VG_ARG(sig->date));
    if (!vg_str_eq(sig->service, VG_STR("s3")))
        return vg_str_fmt(arena,
                          "incorrect service \"%" VG_FMT "\". This endpoint belongs to \"s3\".",
                          VG_ARG(sig->service));
    if (!vg_str_eq(sig->terminator, VG_STR("aws4_request")))
        return vg_str_fmt(
            arena, "incorrect terminal \"%" VG_FMT "\". This endpoint uses \"aws4_request\".",
            VG_ARG(sig->terminator));
    return VG_STR_NONE;
}

bool
vg_sigv4_form_parse(struct vg_arena *arena, const struct vg_sigv4_form *form, struct vg_sigv4 *ret,
                    const char **ret_field, struct vg_str *ret_why)
{
    *ret = (struct vg_sigv4) { .is_v2 = form->is_v2,
                               .access_key_id = form->access_key_id,
                               .region = VG_STR("us-east-1"),
                               .service = VG_STR("s3"),
                               .signature = form->signature,
                               .token = form->token,
                               .payload = VG_PAYLOAD_UNSIGNED };
    if (form->is_v2)
        return true;
    *ret_field = "X-Amz-Algorithm";
    *ret_why = VG_STR("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    if (!vg_str_eq(form->algorithm, vg_str_of(vg_sigv4_algorithm(ret))))
        return false;
    *ret_field = "X-Amz-Credential";
    *ret_why = VG_STR("the Credential is mal-formed; expecting "
                      "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    if (!vg_sigv4_split_credential(form->credential, ret) && ret->access_key_id.ptr == NULL)
        return false;
    *ret_why = wrong_scope(arena, ret);
    if (ret_why->ptr)
        return false;
    *ret_field = "X-Amz-Date";
    *ret_why = VG_STR("X-Amz-Date must be formated via ISO8601 Long format");
    return form->date.len == 16
           && vg_sigv4_time(arena, form->date, &ret->signed_ms, &ret->amz_date);
}

bool
vg_sigv4_form_is_signed(struct vg_arena *arena, const struct vg_sigv4_form *form,
                        const struct vg_sigv4 *sig, struct vg_str secret,
                        struct vg_sigv4_keys *keys)
{
    struct vg_sigv4_key key;
    struct vg_str mac;
    if (form->is_v2)
        return vg_base64_decode(arena, form->signature, &mac)
               && vg_sigv2_is_signature(secret, form->policy, mac);
    vg_sigv4_key(sig, secret, keys, &key);
    return vg_sigv4_is_signature(&key, form->policy, form->signature);
}

bool
vg_sigv4_form_has_ended(const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                        int64_t expires_ms)
{
    if (sig->is_v2)
        return rules->now_ms > expires_ms;
    return vg_sigv4_has_ended(rules, sig->signed_ms, expires_ms - sig->signed_ms);
}
