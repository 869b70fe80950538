/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_CRYPT_H
#define KMS_CRYPT_H

/* Ciphertexts in requests: for what decrypts them and for what decides who may. */

#include "services/kms/kms_int.h"

/* What a request says of a ciphertext. */
struct kms_source {
    struct vg_str ciphertext; /* may be absent where it is ignored */
    struct vg_str key_id;     /* absent: the ciphertext knows      */
    const struct kms_encryption_context_type *context;
    const struct vg_enum *algorithm;
    bool is_ciphertext_ignored; /* of a dry run, whose key is named */
};

bool kms_is_ciphertext_ignored(struct vg_opt_bool dry_run,
                               const struct kms_dry_run_modifier_list *mods);

static inline struct kms_source
kms_source_of_decrypt(const struct kms_decrypt_request *in)
{
    return (struct kms_source) {
        .ciphertext = in->ciphertext_blob,
        .key_id = in->key_id,
        .context = &in->encryption_context,
        .algorithm = &in->encryption_algorithm,
        .is_ciphertext_ignored = kms_is_ciphertext_ignored(in->dry_run, &in->dry_run_modifiers),
    };
}

static inline struct kms_source
kms_source_of_re_encrypt(const struct kms_re_encrypt_request *in)
{
    return (struct kms_source) {
        .ciphertext = in->ciphertext_blob,
        .key_id = in->source_key_id,
        .context = &in->source_encryption_context,
        .algorithm = &in->source_encryption_algorithm,
        .is_ciphertext_ignored = kms_is_ciphertext_ignored(in->dry_run, &in->dry_run_modifiers),
    };
}

/* The key of a ciphertext; ret->key NULL: it is gone, or of another region. Fails with
 * InvalidCiphertextException, IncorrectKeyException, or as kms_find(). */
vg_rc kms_find_source(struct vg_req *rq, const struct kms_source *in, struct kms_found *ret)
    VG_WAITS VG_MUST_USE;
vg_rc kms_invalid_ciphertext(struct vg_req *rq);

#endif
