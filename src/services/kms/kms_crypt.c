/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What keys are for.
 * https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html
 */

#include "services/kms/kms_crypt.h"

#include "auth/principal.h"
#include "core/env.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "services/kms/kms_cipher.h"

/* "The entire encryption context … must be no longer than 8,192 characters". */
#define CONTEXT_MAX_BYTES 8192u

/* --- what is shared -----------------------------------------------------------------------------
 */

static vg_rc
context_of(struct vg_req *rq, const struct kms_encryption_context_type *in, struct vg_str *ret)
{
    struct kms_pair *pairs = VG_NEW_ARRAY(rq->arena, struct kms_pair, in->len + 1);
    size_t bytes = 0;
    for (size_t i = 0; i < in->len; i++) {
        pairs[i] = (struct kms_pair) { in->items[i].key, in->items[i].value };
        bytes += in->items[i].key.len + in->items[i].value.len;
    }
    if (bytes > CONTEXT_MAX_BYTES)
        return vg_fail_validation(rq, "The encryption context is longer than %u bytes",
                                  CONTEXT_MAX_BYTES);
    *ret = kms_context_bytes(rq->arena, pairs, in->len);
    return VG_OK;
}

static vg_rc
check_algorithm(struct vg_req *rq, const struct vg_enum *algorithm)
{
    if (algorithm->v == KMS_ENCRYPTION_ALGORITHM_SPEC__UNSET
        || algorithm->v == KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT)
        return VG_OK;
    return kms_fail_invalid_key_usage_exception(
        rq, "Algorithm %" VG_FMT " is not supported by keys of KeySpec SYMMETRIC_DEFAULT",
        VG_ARG(algorithm->text));
}

/* A version's material, opened; wipe it. *ret_m NULL: the key has no such version. */
static vg_rc
material_of(struct vg_req *rq, const struct kms_found *of, uint32_t version,
            struct kms_rec_material **ret_m, uint8_t ret[KMS_KEY_BYTES])
{
    vg_rc rc = kms_store_material(rq, &of->at, of->id, version, ret_m);
    return rc == VG_OK && *ret_m ? kms_open_material(rq, &of->at, of->id, *ret_m, ret) : rc;
}

static vg_rc
seal(struct vg_req *rq, const struct kms_found *with, struct vg_str context, struct vg_str plain,
     struct vg_str *ret)
{
    uint8_t material[KMS_KEY_BYTES];
    struct kms_rec_material *m;
    const struct kms_blob of = { .account = with->at.account,
                                 .key_id = with->id,
                                 .version = with->key->version };
    vg_rc rc = material_of(rq, with, of.version, &m, material);
    if (rc != VG_OK)
        return rc;
    if (m == NULL)
        return vg_err_set(rq->err, "key %" VG_FMT " has lost its material", VG_ARG(with->id));
    *ret = kms_blob_seal(rq->env->random, rq->arena, material, &of, context, plain);
    vg_zero(material, sizeof(material));
    return VG_OK;
}

vg_rc
kms_invalid_ciphertext(struct vg_req *rq)
{
    return kms_fail_invalid_ciphertext_exception(rq, "%s", "");
}

vg_rc
kms_find_source(struct vg_req *rq, const struct kms_source *in, struct kms_found *ret)
{
    struct kms_blob blob;
    struct kms_found named = { 0 };
    vg_rc rc = in->key_id.ptr ? kms_find(rq, in->key_id, KMS_BY_ALIAS | KMS_OF_ALL, &named) : VG_OK;
    if (rc != VG_OK)
        return rc;
    if (in->is_ciphertext_ignored && in->key_id.ptr) {
        *ret = named;
        return VG_OK;
    }
    if (!in->ciphertext.ptr)
        return vg_fail_validation(rq, "CiphertextBlob must be given");
    if (!kms_blob_parse(rq->arena, in->ciphertext, &blob))
        return kms_invalid_ciphertext(rq);
    *ret = (struct kms_found) { .at = { blob.account, rq->scope->region },
                                .id = blob.key_id,
                                .alias = named.alias,
                                .version = blob.version };
    ret->arn = kms_arn(rq, &ret->at, "key/", ret->id);
    if (named.id.ptr && !vg_str_eq(named.arn, ret->arn))
        return kms_fail_incorrect_key_exception(
            rq, "The key ID in the request does not identify a CMK that can perform this "
                "operation.");
    return kms_store_key(rq, &ret->at, ret->id, &ret->key);
}

/* Nobody learns of a key by what was encrypted with it. */
static vg_rc
no_source(struct vg_req *rq)
{
    struct vg_str who = rq->scope->caller ? rq->scope->caller->arn : VG_STR("");
    const char *action = rq->op == &kms_op_re_encrypt ? "kms:ReEncryptFrom" : "kms:Decrypt";
    return vg_fail_access_denied(
        rq, vg_str_fmt(rq->arena,
                       "User: %" VG_FMT " is not authorized to perform: %s on the resource "
                       "associated with this ciphertext because the resource does not exist in "
                       "this Region, no resource-based policies allow access, or a resource-based "
                       "policy explicitly denies access",
                       VG_ARG(who), action));
}

/* With the key that was found. */
static vg_rc
open_blob(struct vg_req *rq, const struct kms_found *of, struct vg_str ciphertext,
          struct vg_str context, struct vg_str *ret, struct vg_str *ret_material_id)
{
    uint8_t material[KMS_KEY_BYTES];
    struct kms_rec_material *m;
    vg_rc rc = material_of(rq, of, of->version, &m, material);
    if (rc != VG_OK)
        return rc;
    bool is_ours = m && kms_blob_open(rq->arena, material, ciphertext, context, ret);
    vg_zero(material, sizeof(material));
    if (!is_ours)
        return kms_invalid_ciphertext(rq);
    *ret_material_id = m->id;
    return VG_OK;
}

/* The source's plaintext; absent when the ciphertext is ignored. */
static vg_rc
open_source(struct vg_req *rq, const struct kms_source *in, struct kms_found *of,
            struct vg_str *ret, struct vg_str *ret_material_id) VG_WAITS
{
    struct vg_str context;
    vg_rc rc = context_of(rq, in->context, &context);
    if (rc == VG_OK)
        rc = check_algorithm(rq, in->algorithm);
    if (rc == VG_OK)
        rc = kms_find_source(rq, in, of);
    if (rc != VG_OK)
        return rc;
    if (of->key == NULL)
        return no_source(rq);
    rc = kms_check_enabled(rq, of->key);
    if (rc != VG_OK || in->is_ciphertext_ignored)
        return rc;
    return open_blob(rq, of, in->ciphertext, context, ret, ret_material_id);
}

/* The key that encrypts. */
static vg_rc
need_target(struct vg_req *rq, struct vg_str key_id, unsigned flags, struct kms_found *ret) VG_WAITS
{
    vg_rc rc = kms_need(rq, key_id, KMS_BY_ALIAS | KMS_OF_ALL | KMS_LAZY | flags, ret);
    return rc == VG_OK ? kms_check_enabled(rq, ret->key) : rc;
}

bool
kms_is_ciphertext_ignored(struct vg_opt_bool dry_run, const struct kms_dry_run_modifier_list *mods)
{
    return vg_opt_bool_or(dry_run, false) && mods->len > 0;
}

static vg_rc
refuse_recipient(struct vg_req *rq, const struct kms_recipient_info *recipient)
{
    return kms_refuse(rq, recipient != NULL, "Recipient", "there are no Nitro enclaves");
}

/* --- Encrypt, Decrypt, ReEncrypt ----------------------------------------------------------------
 */

vg_rc
kms_encrypt(struct vg_req *rq, const struct kms_encrypt_request *in,
            struct kms_encrypt_response *out)
{
    struct kms_found with;
    struct vg_str context;
    vg_rc rc = check_algorithm(rq, &in->encryption_algorithm);
    if (rc == VG_OK)
        rc = context_of(rq, &in->encryption_context, &context);
    if (rc == VG_OK)
        rc = kms_check_grant_tokens(rq, &in->grant_tokens);
    if (rc == VG_OK)
        rc = need_target(rq, in->key_id, 0, &with);
    if (rc == VG_OK)
        rc = kms_check_dry_run(rq, in->dry_run);
    if (rc != VG_OK)
        return rc;
    out->key_id = with.arn;
    out->encryption_algorithm = VG_ENUM(KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT);
    return seal(rq, &with, context, in->plaintext, &out->ciphertext_blob);
}

vg_rc
kms_decrypt(struct vg_req *rq, const struct kms_decrypt_request *in,
            struct kms_decrypt_response *out)
{
    const struct kms_source source = kms_source_of_decrypt(in);
    struct kms_found of;
    vg_rc rc = refuse_recipient(rq, in->recipient);
    if (rc == VG_OK)
        rc = kms_check_grant_tokens(rq, &in->grant_tokens);
    if (rc == VG_OK)
        rc = open_source(rq, &source, &of, &out->plaintext, &out->key_material_id);
    if (rc == VG_OK)
        rc = kms_check_dry_run(rq, in->dry_run);
    if (rc != VG_OK)
        return rc;
    out->key_id = of.arn;
    out->encryption_algorithm = VG_ENUM(KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT);
    return VG_OK;
}

vg_rc
kms_re_encrypt(struct vg_req *rq, const struct kms_re_encrypt_request *in,
               struct kms_re_encrypt_response *out)
{
    const struct kms_source source = kms_source_of_re_encrypt(in);
    struct kms_found of, with;
    struct vg_str context, plain = VG_STR_NONE;
    vg_rc rc = check_algorithm(rq, &in->destination_encryption_algorithm);
    if (rc == VG_OK)
        rc = context_of(rq, &in->destination_encryption_context, &context);
    if (rc == VG_OK)
        rc = kms_check_grant_tokens(rq, &in->grant_tokens);
    if (rc == VG_OK)
        rc = open_source(rq, &source, &of, &plain, &out->source_key_material_id);
    if (rc == VG_OK)
        rc = need_target(rq, in->destination_key_id, KMS_SECOND, &with);
    if (rc == VG_OK)
        rc = kms_check_dry_run(rq, in->dry_run);
    if (rc == VG_OK)
        rc = seal(rq, &with, context, plain, &out->ciphertext_blob);
    vg_zero((void *)(uintptr_t)plain.ptr, plain.len);
    if (rc != VG_OK)
        return rc;
    out->source_key_id = of.arn;
    out->key_id = with.arn;
    out->destination_key_material_id = with.key->material_id;
    out->source_encryption_algorithm = VG_ENUM(KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT);
    out->destination_encryption_algorithm =
        VG_ENUM(KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT);
    return VG_OK;
}

/*
 * What another service keeps sealed, for its check of that: disabled keys open it too, and nobody's
 * policy is asked.  NotFoundException: the key was deleted.
 */
vg_rc
kms_unseal(struct vg_req *rq, const struct kms_unseal_input *in, struct kms_unseal_output *out)
{
    const struct kms_source source = { .ciphertext = in->ciphertext_blob, .key_id = in->key_id };
    struct kms_found of;
    struct vg_str context, material_id;
    vg_rc rc = context_of(rq, &in->encryption_context, &context);
    if (rc == VG_OK)
        rc = kms_find_source(rq, &source, &of);
    if (rc == VG_OK && of.key == NULL)
        return kms_no_key(rq, of.arn);
    if (rc == VG_OK)
        rc = open_blob(rq, &of, in->ciphertext_blob, context, &out->plaintext, &material_id);
    if (rc != VG_FAIL || rq->err->def != NULL)
        return rc;
    struct vg_str why = vg_str_dup(rq->arena, vg_err_text(rq->err)); /* who checks wants to know */
    return kms_fail_kms_internal_exception(rq, "%" VG_FMT, VG_ARG(why));
}

/* --- data keys ----------------------------------------------------------------------------------
 */

struct data_key {
    struct vg_str plain, sealed;
    struct kms_found with;
};

static vg_rc
data_key_bytes(struct vg_req *rq, const struct vg_enum *spec, struct vg_opt_i64 bytes, size_t *ret)
{
    if ((spec->v != KMS_DATA_KEY_SPEC__UNSET) == bytes.set)
        return vg_fail_validation(rq, "Please specify either number of bytes or key spec.");
    if (bytes.set)
        *ret = (size_t)bytes.v;
    else
        *ret = spec->v == KMS_DATA_KEY_SPEC_AES_128 ? 16 : 32;
    return VG_OK;
}

static struct vg_str
random_bytes(struct vg_req *rq, size_t n)
{
    char *to = vg_arena_alloc(rq->arena, n);
    vg_random_bytes(rq->env->random, to, n);
    return vg_str_n(to, n);
}

#define DATA_KEY(rq, in, ret)                                                                      \
    make_data_key((rq), (in)->key_id, &(in)->key_spec, (in)->number_of_bytes,                      \
                  &(in)->encryption_context, &(in)->grant_tokens, (in)->dry_run, (ret))

static vg_rc
make_data_key(struct vg_req *rq, struct vg_str key_id, const struct vg_enum *spec,
              struct vg_opt_i64 bytes, const struct kms_encryption_context_type *pairs,
              const struct kms_grant_token_list *tokens, struct vg_opt_bool dry_run,
              struct data_key *ret) VG_WAITS
{
    size_t n = 0;
    struct vg_str context;
    vg_rc rc = data_key_bytes(rq, spec, bytes, &n);
    if (rc == VG_OK)
        rc = context_of(rq, pairs, &context);
    if (rc == VG_OK)
        rc = kms_check_grant_tokens(rq, tokens);
    if (rc == VG_OK)
        rc = need_target(rq, key_id, 0, &ret->with);
    if (rc == VG_OK)
        rc = kms_check_dry_run(rq, dry_run);
    if (rc != VG_OK)
        return rc;
    ret->plain = random_bytes(rq, n);
    return seal(rq, &ret->with, context, ret->plain, &ret->sealed);
}

vg_rc
kms_generate_data_key(struct vg_req *rq, const struct kms_generate_data_key_request *in,
                      struct kms_generate_data_key_response *out)
{
    struct data_key key;
    vg_rc rc = refuse_recipient(rq, in->recipient);
    if (rc == VG_OK)
        rc = DATA_KEY(rq, in, &key);
    if (rc != VG_OK)
        return rc;
    *out = (struct kms_generate_data_key_response) {
        .ciphertext_blob = key.sealed,
        .plaintext = key.plain,
        .key_id = key.with.arn,
        .key_material_id = key.with.key->material_id,
    };
    return VG_OK;
}

vg_rc
kms_generate_data_key_without_plaintext(
    struct vg_req *rq, const struct kms_generate_data_key_without_plaintext_request *in,
    struct kms_generate_data_key_without_plaintext_response *out)
{
    struct data_key key;
    vg_rc rc = DATA_KEY(rq, in, &key);
    if (rc != VG_OK)
        return rc;
    vg_zero((void *)(uintptr_t)key.plain.ptr, key.plain.len);
    *out = (struct kms_generate_data_key_without_plaintext_response) {
        .ciphertext_blob = key.sealed,
        .key_id = key.with.arn,
        .key_material_id = key.with.key->material_id,
    };
    return VG_OK;
}

vg_rc
kms_generate_random(struct vg_req *rq, const struct kms_generate_random_request *in,
                    struct kms_generate_random_response *out)
{
    vg_rc rc = refuse_recipient(rq, in->recipient);
    if (rc == VG_OK)
        rc = kms_refuse(rq, in->custom_key_store_id.ptr != NULL, "CustomKeyStoreId",
                        "there are no custom key stores");
    if (rc != VG_OK)
        return rc;
    if (!in->number_of_bytes.set)
        return vg_fail_validation(rq, "NumberOfBytes must be given.");
    out->plaintext = random_bytes(rq, (size_t)in->number_of_bytes.v);
    return VG_OK;
}
