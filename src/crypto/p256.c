/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

bool
vg_p256_public(const uint8_t key[VG_P256_KEY_BYTES], uint8_t ret[VG_P256_PUBLIC_BYTES])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    BIGNUM *k = BN_secure_new();
    EC_POINT *point = group ? EC_POINT_new(group) : NULL;
    VG_ASSERT(group && k && point && BN_bin2bn(key, VG_P256_KEY_BYTES, k));
    BN_set_flags(k, BN_FLG_CONSTTIME);
    bool is_in = !BN_is_zero(k) && BN_cmp(k, EC_GROUP_get0_order(group)) < 0;
    if (is_in) {
        VG_ASSERT(EC_POINT_mul(group, point, k, NULL, NULL, NULL) == 1);
        VG_ASSERT(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret,
                                     VG_P256_PUBLIC_BYTES, NULL)
                  == VG_P256_PUBLIC_BYTES);
    }
    EC_POINT_free(point);
    BN_clear_free(k);
    EC_GROUP_free(group);
    return is_in;
}

bool
vg_p256_verify(const uint8_t pub[VG_P256_PUBLIC_BYTES], struct vg_str data, struct vg_str der)
{
    char curve[] = "prime256v1";
    uint8_t copy[VG_P256_PUBLIC_BYTES];
    memcpy(copy, pub, sizeof(copy));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    VG_ASSERT(make && md);
    bool is_ok = EVP_PKEY_fromdata_init(make) == 1
                 && EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params) == 1
                 && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1
                 && EVP_DigestVerify(md, (const uint8_t *)der.ptr, der.len,
                                     (const uint8_t *)data.ptr, data.len)
                        == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(make);
    ERR_clear_error(); /* TLS on this thread must not meet what a bad signature left behind */
    return is_ok;
}
