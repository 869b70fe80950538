/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_SIGV4_H
#define VG_AUTH_SIGV4_H

/*
 * AWS Signature Version 4 and 4A, verified: pure functions over a request's head and the hash of
 * its body.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 *   vg_sigv4_parse()   what the request says of itself: key id, scope, date, signed headers
 *   (the caller looks the key id up)
 *   vg_sigv4_check()   scope, clock skew, presigned expiry: before a body is read
 *   vg_sigv4_verify()  the signature, once the payload's hash is known or declared
 *   vg_sigv4_body()    a declared hash against the body that came
 *
 * Each fails with a modelled error whose code, status and text are those of the service's family.
 * Everything given out points into the request or lives in `arena`.  Any thread.
 */

#include "base/err.h"
#include "crypto/hash.h"

struct vg_arena;
struct vg_sigv4_keys;

/* One header as it came; names in any case, several of one name in their order. */
struct vg_sigv4_header {
    struct vg_str name, value;
};

struct vg_sigv4_request {
    struct vg_str method;
    struct vg_str target; /* the raw request target, still encoded: "/path?query" */
    const struct vg_sigv4_header *headers;
    size_t n_headers;
    struct vg_str bucket; /* that the host names: version 2 signs it before the path; or absent */
};

/* How a service words its authentication errors. */
enum vg_authn_family {
    VG_AUTHN_JSON = 1,  /* aws-json: HTTP 400, UnrecognizedClientException …  */
    VG_AUTHN_REST_JSON, /* rest-json: HTTP 403, the same names                */
    VG_AUTHN_QUERY,     /* query, ec2, rest-xml: InvalidClientTokenId …       */
    VG_AUTHN_S3,
};

struct vg_sigv4_rules {
    enum vg_authn_family family;
    struct vg_str region;     /* of 4A's region sets the one that is meant; absent: the first   */
    struct vg_str service;    /* signing name that must be in the scope; absent: any            */
    bool is_s3_path;          /* the path is encoded once and never normalized (S3 and its kin) */
    bool is_unsigned_body_ok; /* UNSIGNED-PAYLOAD is accepted                                   */
    bool is_chunked_body_ok;  /* so are the forms of STREAMING-… (sigv4_chunks.h)               */
    bool is_unsigned_token;   /* the session token is not part of a presigned canonical query   */
    int64_t now_ms;           /* wall clock                                                     */
    int64_t skew_ms;          /* 0: 15 minutes for S3, else 5                                   */
    /* Maps wall to virtual time, for presigned expiry; NULL: the same.  Must not wait. */
    int64_t (*virtual_of)(const void *clock, int64_t wall_ms);
    const void *clock;
};

enum vg_sigv4_payload {
    VG_PAYLOAD_BODY = 1, /* no declaration: the body's own hash is signed              */
    VG_PAYLOAD_DECLARED, /* x-amz-content-sha256 has it: vg_sigv4_body() checks later  */
    VG_PAYLOAD_UNSIGNED, /* UNSIGNED-PAYLOAD                                           */
    VG_PAYLOAD_CHUNKED,  /* STREAMING-…: aws-chunked, sigv4_chunks.h checks it later   */
};

struct vg_sigv4 {
    bool is_query;      /* presigned                                                       */
    bool is_asymmetric; /* 4A: ECDSA, and the scope has no region                          */
    bool is_v2;         /* a presigned URL of version 2: sigv2.h                           */
    struct vg_str access_key_id;
    struct vg_str date, region, service, terminator; /* the credential's scope             */
    struct vg_str amz_date;                          /* as it came: "20150830T123600Z"     */
    int64_t signed_ms;                               /* wall                               */
    int64_t expires_s; /* presigned only: seconds from the date; version 2's: since 1970    */
    struct vg_str signed_headers; /* "host;x-amz-date"                  */
    struct vg_str region_set;     /* 4A: "us-east-1,eu-*"               */
    struct vg_str signature;      /* hexadecimal digits                 */
    struct vg_str token;          /* session token; absent: none        */
    enum vg_sigv4_payload payload;
    bool is_chunk_signed;       /* of VG_PAYLOAD_CHUNKED: each chunk has a signature      */
    bool has_trailer;           /* … and trailers follow                                  */
    struct vg_str payload_hash; /* what the canonical request ends with; absent for PAYLOAD_BODY */
};

/* What x-amz-content-sha256 declares, for a request without a signature: fills `payload` only. */
vg_rc vg_sigv4_parse_anonymous(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                               const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret,
                               struct vg_err *err) VG_MUST_USE;

/* Whether the request carries a signature of any form (else it is anonymous). */
bool vg_sigv4_is_signed(const struct vg_sigv4_request *rq);

vg_rc vg_sigv4_parse(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                     const struct vg_sigv4_rules *rules, struct vg_sigv4 *ret, struct vg_err *err)
    VG_MUST_USE;

vg_rc vg_sigv4_check(struct vg_arena *arena, const struct vg_sigv4 *sig,
                     const struct vg_sigv4_rules *rules, struct vg_err *err) VG_MUST_USE;

/*
 * `secret`: of the key that sig->access_key_id names.  `body_sha256`: 64 hexadecimal digits, needed
 * when sig->payload is VG_PAYLOAD_BODY.  `keys` may be NULL: no cache.
 */
vg_rc vg_sigv4_verify(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                      const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                      struct vg_str secret, struct vg_str body_sha256, struct vg_sigv4_keys *keys,
                      struct vg_err *err) VG_MUST_USE;

/* After the body has come: its hash against a declared one. Does nothing for the other kinds. */
vg_rc vg_sigv4_body(struct vg_arena *arena, const struct vg_sigv4 *sig,
                    const struct vg_sigv4_rules *rules, const uint8_t digest[VG_SHA256_BYTES],
                    struct vg_err *err) VG_MUST_USE;

/* --- the steps, for tests and for signing ------------------------------------------------------
 */

struct vg_str vg_sigv4_canonical(struct vg_arena *arena, const struct vg_sigv4_request *rq,
                                 const struct vg_sigv4_rules *rules, const struct vg_sigv4 *sig,
                                 struct vg_str payload_hash);
struct vg_str vg_sigv4_string_to_sign(struct vg_arena *arena, const struct vg_sigv4 *sig,
                                      struct vg_str canonical);
void vg_sigv4_signing_key(struct vg_str secret, struct vg_str date, struct vg_str region,
                          struct vg_str service, uint8_t ret[VG_SHA256_BYTES]);

/* What a signature is checked with: 4's signing key, or 4A's public key. */
struct vg_sigv4_key {
    bool is_asymmetric;
    uint8_t bytes[65];
};
/* `keys` may be NULL. */
void vg_sigv4_key(const struct vg_sigv4 *sig, struct vg_str secret, struct vg_sigv4_keys *keys,
                  struct vg_sigv4_key *ret);
/* `signature`: hexadecimal, 4A's with or without its padding. */
bool vg_sigv4_is_signature(const struct vg_sigv4_key *key, struct vg_str to_sign,
                           struct vg_str signature) VG_MUST_USE;
/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
void vg_sigv4a_public_key(struct vg_str access_key_id, struct vg_str secret, uint8_t ret[65]);

/* Derived keys by secret, day, region and service; any thread. */
struct vg_sigv4_keys *vg_sigv4_keys_new(void);
void vg_sigv4_keys_free(struct vg_sigv4_keys *keys); /* accepts NULL */
void vg_sigv4_keys_get(struct vg_sigv4_keys *keys, struct vg_str secret, struct vg_str date,
                       struct vg_str region, struct vg_str service, uint8_t ret[VG_SHA256_BYTES]);

/* --- errors of authentication, by family -------------------------------------------------------
 */

enum vg_authn_why {
    VG_AUTHN_MISSING = 1, /* no signature where one is needed                 */
    VG_AUTHN_INCOMPLETE,  /* malformed or partial                             */
    VG_AUTHN_UNKNOWN_KEY, /* no such key, or it is inactive                   */
    VG_AUTHN_BAD_TOKEN,   /* session token missing, foreign or damaged        */
    VG_AUTHN_EXPIRED_TOKEN,
    VG_AUTHN_MISMATCH,        /* signature differs, scope wrong                   */
    VG_AUTHN_SKEWED,          /* signed too long ago or in the future             */
    VG_AUTHN_EXPIRED_REQUEST, /* presigned                                        */
    VG_AUTHN_BODY_MISMATCH,   /* body is not what x-amz-content-sha256 said       */
    VG_AUTHN_UNSUPPORTED,     /* a signing variant this build does not have       */
    VG_AUTHN_BODY_CUT,        /* the body is shorter or longer than it said       */
    VG_AUTHN_BODY_SLOW,       /* the client stopped sending                       */
    VG_AUTHN_CHUNK_SIZE,      /* a small chunk that is not the last               */
    VG_AUTHN_BAD_TRAILER,     /* malformed, unannounced or missing                */
    VG_AUTHN_NO_LENGTH,       /* chunks without x-amz-decoded-content-length      */
    VG_AUTHN_NO_HASH,         /* S3 wants x-amz-content-sha256                    */
    VG_AUTHN_VERSION_2,       /* in the header                                    */
    VG_AUTHN_BAD_QUERY,       /* incomplete, of a presigned URL                   */
    VG_AUTHN_BAD_HASH,        /* x-amz-content-sha256 is none of what it may be   */
};

const struct vg_errdef *vg_authn_errdef(enum vg_authn_family family, enum vg_authn_why why);
/* Sets the error with AWS's usual text for it; `text` absent: the family's default. */
vg_rc vg_authn_fail(struct vg_err *err, enum vg_authn_family family, enum vg_authn_why why,
                    struct vg_str text);

#endif
