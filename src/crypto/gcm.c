/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/gcm.h"

#include "base/base.h"

#include <stdatomic.h>

const EVP_CIPHER *
vg_gcm(void)
{
    static _Atomic(EVP_CIPHER *) kept;
    EVP_CIPHER *had = atomic_load(&kept);
    if (had)
        return had;
    EVP_CIPHER *made = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    VG_ASSERT(made);
    if (atomic_compare_exchange_strong(&kept, &had, made))
        return made;
    EVP_CIPHER_free(made); /* another thread was first */
    return had;
}
