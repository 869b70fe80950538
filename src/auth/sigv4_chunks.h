/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_SIGV4_CHUNKS_H
#define VG_AUTH_SIGV4_CHUNKS_H

/*
 * A body in AWS's own chunks (Content-Encoding: aws-chunked), taken apart and held to its
 * signatures as it comes.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 *
 *   400;chunk-signature=<hex> CRLF <1,024 bytes> CRLF … 0;chunk-signature=<hex> CRLF
 *   x-amz-checksum-crc32c:<value> CRLF x-amz-trailer-signature:<hex> CRLF CRLF
 *
 * Each signature covers the one before it, the first that of the head.  Bytes are given out as they
 * come and their chunk is verified at its end: nobody may make them visible before is_over.
 * Pure: no I/O; works on whatever pieces the bytes come in.  One fiber.
 */

#include "auth/sigv4.h"
#include "base/arena.h"
#include "base/buf.h"
#include "crypto/secret.h"

#define VG_AWS_CHUNK_MIN_BYTES      8192  /* of all but the last                  */
#define VG_AWS_CHUNK_LINE_MAX_BYTES 256   /* a size and a signature               */
#define VG_AWS_TRAILERS_MAX         16    /* of them; AWS has one, the checksum   */
#define VG_AWS_TRAILERS_MAX_BYTES   4096u /* all together                         */
#define VG_AWS_SIGNATURE_MAX_BYTES  144u  /* hexadecimal digits, with padding     */

struct vg_sigv4_chunks {
    struct vg_arena *arena;
    enum vg_authn_family family;
    const struct vg_sigv4 *sig;
    struct vg_str announced; /* x-amz-trailer: names, by commas                */
    struct vg_secret key;    /* struct vg_sigv4_key; arena */
    struct vg_str scope;
    int64_t left_bytes; /* of the whole body, decoded                          */
    int64_t chunk_left; /* of the present chunk                                */
    int64_t chunk_size; /* of the present or the last chunk                    */
    int64_t n_chunks;
    int state;
    bool is_over;         /* everything came and was verified                  */
    bool is_trailer_read; /* signed ones: their signature came                 */
    size_t line_len, previous_len, claimed_len;
    char line[VG_AWS_TRAILERS_MAX_BYTES];
    char previous[VG_AWS_SIGNATURE_MAX_BYTES]; /* the signature before this chunk's */
    char claimed[VG_AWS_SIGNATURE_MAX_BYTES];  /* this chunk's                      */
    struct vg_hash hash;                       /* of the chunk's bytes              */
    struct vg_buf to_sign;
    struct vg_buf trailer_text;              /* as they are signed                */
    VG_VEC(struct vg_sigv4_header) trailers; /* arena */
};

/*
 * After the head was verified.  `sig` must stay; `secret` is that of its key, absent when the
 * chunks are not signed.  Fails without x-amz-decoded-content-length.
 */
vg_rc vg_sigv4_chunks_init(struct vg_sigv4_chunks *c, struct vg_arena *arena,
                           const struct vg_sigv4_request *rq, const struct vg_sigv4_rules *rules,
                           const struct vg_sigv4 *sig, struct vg_str secret,
                           struct vg_sigv4_keys *keys, struct vg_err *err) VG_MUST_USE;

/*
 * Takes *ret_used bytes of `in`, at least one of a non-empty `in`; *ret_data points into it and may
 * be empty.  Bytes after the end fail.
 */
vg_rc vg_sigv4_chunks_next(struct vg_sigv4_chunks *c, struct vg_str in, size_t *ret_used,
                           struct vg_str *ret_data, struct vg_err *err) VG_MUST_USE;

/* Nothing more comes: fails unless is_over. */
vg_rc vg_sigv4_chunks_end(struct vg_sigv4_chunks *c, struct vg_err *err) VG_MUST_USE;

/* The decoded length, once initialized: x-amz-decoded-content-length. */
bool vg_sigv4_chunks_length(const struct vg_sigv4_request *rq, int64_t *ret) VG_MUST_USE;

/* A trailer by its name in any case; absent when it did not come (yet). */
struct vg_str vg_sigv4_chunks_trailer(const struct vg_sigv4_chunks *c, struct vg_str name);

#endif
