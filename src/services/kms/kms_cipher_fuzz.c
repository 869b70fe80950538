/* SPDX-License-Identifier: Apache-2.0 */

/* Fuzzes ciphertexts and key names: nothing but what was sealed opens. */

#include "services/kms/kms_cipher.h"

#include "base/arena.h"
#include "services/kms/kms_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vg_auto_arena struct vg_arena *a = vg_arena_new(0);
    static const uint8_t material[KMS_CIPHER_KEY] = { 1 };
    struct vg_str bytes = vg_str_n(data, size), plain;
    struct kms_blob of;
    struct kms_name name;
    if (kms_blob_parse(a, bytes, &of))
        VG_ASSERT(of.account.len == 12 && of.key_id.len == 36);
    VG_ASSERT(!kms_blob_open(a, material, bytes, VG_STR(""), &plain));
    if (kms_name_parse(bytes, &name))
        VG_ASSERT(name.name.len > 0);
    return 0;
}
